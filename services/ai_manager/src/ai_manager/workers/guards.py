"""Who may become a worker: whoever holds an enrolment token; spending it is the verb's affair."""

from typing import Annotated

from fastapi import Depends

from ai_manager.access.guards import Authorization, bearer
from ai_manager.deps import WorkDep
from trapper_kit.web.guards import guard


@guard
async def _enrolment(work: WorkDep, authorization: Authorization = None) -> str:
    return work.hash_token(bearer(authorization))


MayEnrol = Annotated[str, Depends(_enrolment)]
"""The hash of an enrolment token, not looked up yet."""
