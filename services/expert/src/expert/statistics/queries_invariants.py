"""Statements about counts that must find nothing; `doctor` and the tests run them."""

from expert.statistics.queries import COUNT, cells
from expert.statistics.state import COUNTERS

_COUNTED = ", ".join(("linked_collection_id", "deployment_id", "local_day", "local_hour", *COUNTERS[1:], "labels"))
_SUMS = ", ".join(COUNTERS)
_KEY = "linked_collection_id, facet, deployment_id, local_day, local_hour, source, observation_type, taxon_id"

INVARIANTS: dict[str, str] = {
    "a resource counts as what it is, or is about to be counted": f"""
        with keys as (
          select distinct l.classification_project_id, m.resource_id from linked_collection_resources m
            join classification_project_collections l on l.id = m.linked_collection_id
          union select classification_project_id, resource_id from counted_resources),
          counted as ({COUNT})
        select k.resource_id from keys k
          left join counted now using (classification_project_id, resource_id)
          left join counted_resources kept using (classification_project_id, resource_id)
        where (select row({", ".join(f"now.{name}" for name in _COUNTED.split(", "))})
            is distinct from row({", ".join(f"kept.{name}" for name in _COUNTED.split(", "))}))
          and not exists (select from count_changes c where (c.classification_project_id, c.resource_id)
            = (k.classification_project_id, k.resource_id))""",  # noqa: S608 - constants
    "the sums of a linked collection are those of its resources": f"""
        select linked_collection_id from (
          select {_KEY}, {_SUMS}, 1 as side from project_counts
          union all select {_KEY}, {_SUMS}, -1 from ({cells("(select *, 1 as weight from counted_resources)")}) c) s
        group by {_KEY} having ({", ".join(f"sum(side * {name})" for name in COUNTERS)})
          is distinct from ({", ".join("0" for _ in COUNTERS)})""",  # noqa: S608 - constants
}
