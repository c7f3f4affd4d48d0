"""Route dependencies named after capabilities; each authenticates the caller and checks a token's scopes.

Whether the caller's role in the project at hand carries the capability is asked by `require`, where the project is
known. A guard looks its caller up in a short transaction of its own, so a route that waits holds nothing.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from expert.access.authenticate import Credentials, authenticate
from expert.access.errors import CsrfMissing, TwoCredentials
from expert.access.sign_in import cookie_name
from expert.access.state import Caller, Capability, in_scope
from expert.deps import Work
from trapper_kit.problems import Forbidden, Unauthenticated
from trapper_kit.web.guards import guard, guards, refuses

_documented = HTTPBearer(auto_error=False, description="a personal access token; browsers send their cookie instead")


@guard
@refuses(Unauthenticated, TwoCredentials, unsafe=(CsrfMissing,))
async def _signed_in(request: Request, work: Work, _bearer: Annotated[object, Depends(_documented)]) -> Caller:
    known: Caller | None = getattr(request.state, "caller", None)
    if known is not None:  # looked up before the body was read
        return known
    credentials = Credentials(
        method=request.method,
        authorization=request.headers.get("Authorization"),
        cookie=request.cookies.get(cookie_name(work)),
        csrf=request.headers.get("X-CSRF-Token"),
    )
    request.state.caller = caller = await authenticate(work, credentials)
    return caller


SignedIn = Annotated[Caller, Depends(_signed_in)]
"""Anybody who proves who they are, with whatever scopes."""


def _may(capability: Capability) -> Callable[[Caller], Awaitable[Caller]]:
    @guards(capability)
    @refuses(Forbidden)
    async def check(caller: SignedIn) -> Caller:
        if not in_scope(caller.scopes, capability):
            raise Forbidden(f"this token's scopes do not include {capability.value}")
        if capability is Capability.ADMINISTER_SITE and not caller.is_site_admin:
            raise Forbidden("only a site admin may do that")
        return caller

    return check


MayRead = Annotated[Caller, Depends(_may(Capability.READ))]
MayUpload = Annotated[Caller, Depends(_may(Capability.UPLOAD))]
MayDescribe = Annotated[Caller, Depends(_may(Capability.DESCRIBE))]
MayGiveFeedback = Annotated[Caller, Depends(_may(Capability.GIVE_FEEDBACK))]
MayAnnotate = Annotated[Caller, Depends(_may(Capability.ANNOTATE))]
MayApprove = Annotated[Caller, Depends(_may(Capability.APPROVE))]
MayRunAi = Annotated[Caller, Depends(_may(Capability.RUN_AI))]
MayAdminister = Annotated[Caller, Depends(_may(Capability.ADMINISTER))]
MayCreateProjects = Annotated[Caller, Depends(_may(Capability.CREATE_PROJECTS))]
MayManageTokens = Annotated[Caller, Depends(_may(Capability.MANAGE_TOKENS))]
MayAdministerSite = Annotated[Caller, Depends(_may(Capability.ADMINISTER_SITE))]
