"""The names that a file in a feature folder may have: data for `test_file_names.py`."""

FIXED = frozenset({"__init__", "errors", "guards", "models", "queries", "routes", "schemas", "state", "tasks"})
"""Files that mean the same in every feature; `queries_SUBJECT` is a part of the statements."""

VERBS = frozenset(
    """
    accept acknowledge activate add announce append apply approve ask authenticate beat begin bound brief build
    cancel change check claim classify close confine confirm connect cover create decode delete deliver describe
    detect edit end enrol expire fetch find finish follow forget fork freeze give infer inspect instruct interpret
    invite issue keep learn link listen lose make manage measure name note open pack parse pass plan prepare
    preprocess propose prove publish put read receive record recover rederive reduce register release renew
    reparse request require rerun resolve retire revoke run save scan seal set settle sign sniff spool start stay
    submit sweep sync take tap tell try unapprove write
    """.split()  # noqa: SIM905 - thirty lines shorter
)
"""With which the name of any other file begins: it does that."""

NOUNS: dict[str, frozenset[str]] = {
    "ai_worker.batches": frozenset({"active_runs", "self_test", "worker"}),
    "ai_worker.commands": frozenset({"doctor", "local_page", "notify", "status", "systemd_unit", "words"}),
    "ai_worker.confinement": frozenset({"landlock", "privileges", "seccomp"}),
    "ai_worker.devices": frozenset({"child", "child_process", "children", "hardware", "pipes", "work"}),
    "ai_worker.enrolment": frozenset({"credential"}),
    "ai_worker.inference": frozenset(
        {"batch_run", "buffers", "columns", "forward", "nms", "pipeline", "predictors", "steps", "types"}
    ),
    "ai_worker.leases": frozenset({"events", "runs"}),
    "ai_worker.model_store": frozenset({"golden", "places", "provider_options", "weights_store"}),
}
"""Parts of a machine that are no verb: only in the folders of the Worker that are subsystems, not features."""
