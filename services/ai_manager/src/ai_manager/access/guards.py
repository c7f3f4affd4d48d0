"""Route dependencies, named after what a caller may do; each looks the caller up in a short transaction of its own."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header, Request

from ai_manager.access import queries
from ai_manager.access.errors import IDENTIFICATION, ProtocolNotServed
from ai_manager.access.state import Scope, WorkerCaller
from ai_manager.deps import Work, WorkDep
from trapper_kit.logs import log
from trapper_kit.problems import Forbidden, NotFound, Unauthenticated
from trapper_kit.web.guards import guard, guards, refuses
from trapper_kit.web.params import Protocol
from trapper_schemas.protocol import PROTOCOL, SERVED

Authorization = Annotated[str | None, Header(max_length=500, description="Bearer and a token")]


@dataclass(frozen=True)
class Caller:
    """The caller: a service by its token's name, or a worker by its id; and the protocol it speaks."""

    name: str
    scopes: frozenset[str]
    worker_id: UUID | None
    issued_at: datetime
    expires_at: datetime | None
    protocol: int

    @property
    def sees(self) -> str | None:
        """Returns the owner whose jobs this caller may read, or None for all jobs when it also operates the Manager."""
        return None if Scope.OPERATE in self.scopes else self.name


def bearer(authorization: str | None) -> str:
    """Returns the token of an Authorization header."""
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("send Authorization: Bearer <token>")
    return token.strip()


def check_protocol(*spoken: int) -> None:
    """Raises unless at least one protocol that the caller speaks is served here."""
    if not set(spoken) & set(SERVED):
        theirs, ours = (" and ".join(map(str, some)) or "none" for some in (spoken, SERVED))
        raise ProtocolNotServed(
            f"protocol {theirs} is not served here; {ours} are, so one side has to be brought up to date",
            served=list(SERVED),
        )


async def _caller(request: Request, work: Work, authorization: str | None, protocol: int) -> Caller:
    known: Caller | None = getattr(request.state, "caller", None)
    if known is not None:  # looked up before the body was read
        return known
    check_protocol(protocol)
    lookup = (work.hash_token(bearer(authorization)), work.clock.now())
    token = await work.direct.batched(queries.active_tokens, lookup)
    if token is None:
        log("caller.refused")
        raise Unauthenticated("the token is unknown, expired or revoked")
    request.state.caller = caller = Caller(
        token.name, frozenset(token.scopes), token.worker_id, token.created_at, token.expires_at, protocol
    )
    return caller


def _with_scope(scope: Scope | None) -> Callable[..., Awaitable[Caller]]:
    @(guard if scope is None else guards(scope))
    @refuses(*((Forbidden,) if scope else ()), *IDENTIFICATION)
    async def check(
        request: Request, work: WorkDep, authorization: Authorization = None, protocol: Protocol = PROTOCOL
    ) -> Caller:
        caller = await _caller(request, work, authorization, protocol)
        is_included = scope is Scope.FLEET and Scope.OPERATE in caller.scopes
        if scope is not None and scope not in caller.scopes and not is_included:
            raise Forbidden(f"this token has no scope {scope.value}", scope=scope.value)
        return caller

    return check


@guards(Scope.WORK)
@refuses(Forbidden, *IDENTIFICATION)
async def _worker(
    request: Request, work: WorkDep, authorization: Authorization = None, protocol: Protocol = PROTOCOL
) -> WorkerCaller:
    caller = await _caller(request, work, authorization, protocol)
    if caller.worker_id is None or caller.expires_at is None or Scope.WORK not in caller.scopes:
        raise Forbidden("only an enrolled worker may do that", scope=Scope.WORK.value)
    return WorkerCaller(caller.worker_id, caller.issued_at, caller.expires_at, caller.protocol)


MayWork = Annotated[WorkerCaller, Depends(_worker)]


@guard
@refuses(NotFound)
async def _this_worker(worker_id: UUID, caller: MayWork) -> WorkerCaller:
    if caller.worker_id != worker_id:
        raise NotFound("there is no such worker")
    return caller


MaySubmit = Annotated[Caller, Depends(_with_scope(Scope.JOBS))]
MayPublish = Annotated[Caller, Depends(_with_scope(Scope.PUBLISH))]
MayOperate = Annotated[Caller, Depends(_with_scope(Scope.OPERATE))]
MayManageFleet = Annotated[Caller, Depends(_with_scope(Scope.FLEET))]
"""Reads workers and queues, and lets workers pause, go on and leave."""
MayReadCatalog = Annotated[Caller, Depends(_with_scope(None))]
MayWorkAsThis = Annotated[WorkerCaller, Depends(_this_worker)]
"""The worker whose id is in the path, and no other."""
