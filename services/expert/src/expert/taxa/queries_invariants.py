"""Statements about taxa that must find nothing; `doctor` and the tests run them."""

INVARIANTS: dict[str, str] = {
    "the path of a taxon is that of its parent and its own id": """
        select t.id from taxa t left join taxa p on p.id = t.parent_id
        where t.path <> coalesce(p.path, '/') || t.id || '/'""",
    "the accepted taxon of a synonym is no synonym": """
        select t.id from taxa t join taxa a on a.id = t.accepted_id where a.accepted_id is not null""",
}
