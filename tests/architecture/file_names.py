"""The names that a file in a feature folder may have: data for `test_file_names.py`."""

FIXED = frozenset({"__init__", "errors", "guards", "hooks", "models", "queries", "routes", "schemas", "state", "tasks"})
"""Files that mean the same in every feature; `queries_SUBJECT` is a part of the statements."""

VERBS = frozenset(
    """
    accept acknowledge activate add announce anonymise append apply approve archive ask assign attach authenticate
    backfill beat begin blur bound brief build calibrate cancel change check claim classify close collect compact
    compare compute confine confirm connect copy correct count cover create decode delete deliver describe detach
    detect draw edit embed encode end enqueue enrol erase evaluate expire explain export extend fetch fill filter
    find finish flag fold follow forget fork freeze generate give grant group identify import infer inspect install
    instruct interpret invite issue keep learn limit link list listen load locate log lose make manage map mark mask
    match measure merge migrate move name note notify open pack parse pass plan plot populate predict prepare
    preprocess project propose protect prove publish purge put query rank read receive recompute record recover
    rederive reduce register release remove rename render renew reparse report request require rerun reset resolve
    restore restrict resume retire retry revoke roll rotate run sample save scan schedule seal search select serve
    set settle show sign smooth sniff sort spool stamp start stay stop store stream submit summarise sweep switch
    sync tag take tap tell trace track transfer translate try unapprove undo update upload validate verify view wait
    watch withdraw write
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
