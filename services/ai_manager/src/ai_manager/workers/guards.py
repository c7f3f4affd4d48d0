"""Guard of enrolment: the caller holds an enrolment token, which `enrol_worker` spends."""

from typing import Annotated

from fastapi import Depends

from ai_manager.access.errors import IDENTIFICATION
from ai_manager.access.guards import Authorization, bearer, check_protocol
from ai_manager.deps import WorkDep
from trapper_kit.web.guards import guard, refuses
from trapper_kit.web.params import Protocol
from trapper_schemas.protocol import PROTOCOL


@guard
@refuses(*IDENTIFICATION)
async def _enrolment(work: WorkDep, authorization: Authorization = None, protocol: Protocol = PROTOCOL) -> str:
    check_protocol(protocol)
    return work.hash_token(bearer(authorization))


MayEnrol = Annotated[str, Depends(_enrolment)]
"""The hash of an enrolment token, not looked up yet."""
