"""Which tests run in one process, one after the other: those that share a stack."""

from xdist.scheduler.loadscope import LoadScopeScheduling

TOGETHER = (
    "tests/main_job/",
    "tests/flow/",
    "tests/web/",
    "tests/chaos/",
    "tests/trapper_cli/test_offer_at_a_terminal.py",
)


class StackScheduling(LoadScopeScheduling):
    """Gives all tests of such a folder or file to one process, and every other test to whichever is free.

    The plugin's own marks for this, `xdist_group`, do nothing under pytest 9.2.
    """

    def _split_scope(self, nodeid: str) -> str:
        return next((place for place in TOGETHER if nodeid.startswith(place)), nodeid)
