"""Statements about resources that must find nothing; `doctor` and the tests run them."""

INVARIANTS: dict[str, str] = {
    "a described picture has sides, a type and a thumbnail": """
        select id from resources where state = 'described' and remote_url is null
          and (width is null or thumbnail_key is null or kind <> 'image' or media_type not like 'image/%')""",
    "an unreadable resource says why": """
        select id from resources where state = 'unreadable' and coalesce(failure_message, '') = ''""",
    "a stored resource is described within a quarter of an hour": """
        select id from resources where state = 'stored'
          and created_at < clock_timestamp() - interval '15 minutes'""",
    "bytes that were never rewritten are those of the upload": """
        select id from resources where generation = 0 and stored_sha256 <> sha256""",
    "every original is in the store": """
        select id from resources where object_missing_at is not null""",
}
