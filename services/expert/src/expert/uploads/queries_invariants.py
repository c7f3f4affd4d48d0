"""Statements about uploads that must find nothing; `doctor` and the tests run them."""

INVARIANTS: dict[str, str] = {
    "a finished upload lies in its collection under its path": """
        select u.id from uploads u where u.state = 'finished' and not exists (
          select from collection_resources c where c.collection_id = u.collection_id
            and c.resource_id = u.resource_id and c.path_print = u.path_print)""",
    "a finished upload is the resource with its bytes": """
        select u.id from uploads u join resources r on r.id = u.resource_id where r.sha256 <> u.sha256""",
}
