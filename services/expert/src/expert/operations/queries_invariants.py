"""Statements about operations that must find nothing; `doctor` and the tests run them."""

INVARIANTS: dict[str, str] = {
    "the log of an operation has no line beyond its count": """
        select l.operation_id from operation_lines l join operations o on o.id = l.operation_id
        where l.number > o.logged""",
    "a running operation answers, or is recovered": """
        select id from operations
        where state = 'running' and heartbeat_at < clock_timestamp() - interval '90 seconds'""",
}
