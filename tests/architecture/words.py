"""The words that identifiers and names of files may not be, and what to write instead; see docs/glossary.md."""

VAGUE = ("one", "ones", "told", "said", "asked", "wanted", "thing", "things", "whoever")
"""Whole names that say nothing about a value: name it after its type."""

REPLACED = {
    "asked": "resource outcome",
    "bell": "queue notification",
    "bells": "queue notifications",
    "belt": "pipeline",
    "brief": "lease context",
    "cut": "page request, planned",
    "door": "web process, task process",
    "doorbell": "queue notification",
    "doors": "web processes, task processes",
    "ended": "resource outcome",
    "gathered": "micro-batcher",
    "hand": "worker state",
    "hearing": "parse settings",
    "helping": "group",
    "helpings": "groups",
    "house": "app",
    "hurry": "wake-ups",
    "in_hand": "held by the worker",
    "journey": "offline request",
    "looked": "parsed resource",
    "nobody_heard": "sweep",
    "parcel": "payload",
    "parcels": "payloads",
    "put_away": "compact",
    "ring": "enqueue after commit",
    "ringer": "task sender",
    "rings": "messages",
    "speaker": "model labels",
    "telling": "request context",
    "together": "micro-batcher",
    "undrained": "claim protocol state",
    "unnamed": "claim protocol state",
    "unsure": "claim protocol state",
    "wish": "idempotent request",
    "wishes": "idempotent requests",
}
"""Whole names (any case, with or without leading underscores) and the standard term that replaces each."""

CLASSES_ONLY = frozenset({"ended"})
"""Words that are refused as names of classes alone: a task or a thread may well have ended."""

NEVER_INSIDE = frozenset(
    {"bell", "doorbell", "doors", "door", "helping", "helpings", "journey", "parcel", "parcels", "said", "told", "wish"}
)
"""Words that are refused inside longer names too, such as `told_at`."""
