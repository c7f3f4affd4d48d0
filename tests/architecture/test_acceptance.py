"""What post-processing must do, item by item, and the test that shows each; an item without one fails here."""

import re
import tomllib
from functools import cache

import pytest

from tests.architecture.test_env import ROOT

MASKING = "expert/postprocessing/test_class_masking.py"
PURE = "expert/postprocessing/test_mask_classes.py"
ROLLUP = "expert/postprocessing/test_roll_up_ranks.py"
BOTH = "expert/postprocessing/test_rollup_and_sizes.py"
JOB = "expert/postprocessing/test_follow_job.py"
OPERATIONS = "expert/operations/test_run.py"
PROVENANCE = "expert/observations/test_provenance.py"
REFUSED = f"{MASKING}::test_wrong_scopes_and_settings_are_refused_before_anything_is_written"
TOUCHED = f"{MASKING}::test_what_people_touched_stays_and_is_counted"
WRITES = f"{MASKING}::test_masking_gives_each_animal_the_best_kept_class_and_says_where_it_came_from"
CRASH = f"{MASKING}::test_crash_at_any_statement_of_a_run_or_an_undo_leaves_everything_as_it_was"
DRY = f"{MASKING}::test_a_second_run_writes_nothing_and_a_dry_run_tells_what_a_run_does"
REPLACE = f"{MASKING}::test_a_second_mask_replaces_the_first_and_restores_what_the_model_said_where_that_wins"
STATEMENTS = f"{MASKING}::test_statements_do_not_grow_with_rows_and_narrow_scopes_touch_only_theirs"
EDITED = f"{MASKING}::test_list_that_was_edited_masks_again_under_another_algorithm"
STRANGERS = f"{MASKING}::test_nobody_unprivileged_or_foreign_starts_anything"
ELSEWHERE = f"{MASKING}::test_a_run_reaches_no_other_project_and_no_closed_link"
UNUSABLE = f"{MASKING}::test_logits_that_cannot_be_used_are_counted_by_reason_and_the_others_are_masked"
NO_WINNER = f"{MASKING}::test_row_without_a_winner_and_one_with_a_value_that_is_no_number_are_skipped_with_their_reason"
UNDO = f"{MASKING}::test_undo_restores_every_row_byte_for_byte"
OPTIONS = f"{MASKING}::test_options_list_the_model_and_its_masks_and_lists_find_runs_by_id"
SIZES = f"{BOTH}::test_small_boxes_become_unknown_once_and_decide_for_no_occurrence"
GENERAL = f"{BOTH}::test_rollup_generalizes_to_the_first_rank_that_is_probable_enough"
AFTER = f"{BOTH}::test_rollup_after_a_mask_brings_no_excluded_class_back"
CLI = "trapper_client/test_postprocess.py::test_methods_are_run_dry_run_and_undone_from_the_command_line"
WHOLE = f"{OPERATIONS}::test_operation_runs_every_batch_and_keeps_counts_log_and_result"
BEATS = f"{OPERATIONS}::test_long_batch_keeps_its_heartbeat_and_is_not_recovered"
DEAD = f"{OPERATIONS}::test_operation_of_a_dead_process_continues_and_the_dead_one_writes_nothing"
RETRIED = f"{OPERATIONS}::test_failed_batch_is_tried_again_from_its_position"
CANCELLED = f"{OPERATIONS}::test_waiting_operation_is_cancelled_at_once_and_a_running_one_before_its_next_batch"
WINNER = f"{PURE}::test_winner_is_kept_and_the_same_with_and_without_reweight"
BLOBS = "expert/outputs/test_logits.py::test_every_prediction_gets_its_own_logits_with_one_read_of_each_blob"
BENCH = "benchmarks/test_shapes.py::test_a_benchmark_runs_at_its_smallest_and_cleans_up"
NEW_CONTENT = f"{MASKING}::test_winner_is_the_same_without_reweighting_and_its_score_is_never_above"
RULE = "expert/occurrences/test_occurrences.py::test_rule_in_sql_is_the_rule_in_python"
TRACED = f"{PROVENANCE}::test_replies_name_the_terminal_prediction_and_what_it_was_derived_from"

FRAMEWORK = {
    1: REFUSED, 2: REFUSED, 3: OPTIONS, 4: REFUSED, 5: REFUSED, 6: ELSEWHERE, 7: ELSEWHERE, 8: REFUSED, 9: STRANGERS,
    10: DRY, 11: OPTIONS, 12: RETRIED, 13: WHOLE, 14: CLI, 15: DRY, 16: "pyright", 17: OPTIONS, 18: OPTIONS, 19: BEATS,
    20: JOB + "::test_job_without_logits_says_so_and_without_a_taxa_list_nothing_follows", 21: BEATS, 22: BEATS,
    23: BEATS, 24: BENCH, 25: RETRIED, 26: WHOLE, 27: RETRIED, 28: "ruff S101", 29: "ruff T201", 30: "ruff ARG001",
    31: CANCELLED, 32: WHOLE, 33: CANCELLED, 34: DEAD, 35: DRY, 36: CLI, 37: STATEMENTS, 38: OPTIONS, 39: OPTIONS,
    40: DRY,
}  # fmt: skip
CLASS_MASKING = {
    41: f"{PURE}::test_excluded_class_cannot_win_by_underflow", 42: WINNER, 43: NO_WINNER, 44: WRITES, 45: NEW_CONTENT,
    46: WINNER, 47: UNUSABLE, 48: REFUSED, 49: WRITES, 50: WRITES, 51: WRITES, 52: UNUSABLE, 53: EDITED, 54: EDITED,
    55: REPLACE, 56: EDITED, 57: WRITES, 58: WRITES, 59: CRASH, 60: DRY, 61: REPLACE, 62: CRASH, 63: REPLACE,
    64: f"{MASKING}::test_intersect_keeps_what_both_masks_keep", 65: UNDO, 66: STATEMENTS, 67: STATEMENTS,
    68: STATEMENTS, 69: BLOBS, 70: EDITED, 71: WRITES, 72: TOUCHED, 73: STATEMENTS, 74: WRITES,
    75: TOUCHED, 76: WRITES,
    77: JOB + "::test_project_with_a_taxa_list_masks_the_results_of_each_job_and_the_run_can_be_undone",
}  # fmt: skip
ROLL_UP = {
    78: GENERAL, 79: f"{ROLLUP}::test_lineage_mode_only_generalizes_the_best_label", 80: STATEMENTS, 81: UNUSABLE,
    82: GENERAL, 83: RETRIED, 84: AFTER, 85: f"{ROLLUP}::test_rounding_of_a_sum_does_not_decide", 86: GENERAL,
}  # fmt: skip
SIZE_FILTER = {87: SIZES, 88: SIZES, 89: SIZES, 90: SIZES, 91: SIZES}
PROVENANCE_AND_API = {
    131: f"{PROVENANCE}::test_a_list_takes_the_same_number_of_statements_for_any_number_of_rows", 132: TRACED,
    133: f"{PROVENANCE}::test_rows_are_filtered_by_an_algorithm_that_ran", 134: WRITES,
}  # fmt: skip
ITEMS = FRAMEWORK | CLASS_MASKING | ROLL_UP | SIZE_FILTER | PROVENANCE_AND_API


@cache
def _tests(path: str) -> frozenset[str]:
    return frozenset(
        re.findall(r"^(?:async )?def (test_\w+)", (ROOT / "tests" / path).read_text("utf-8"), re.MULTILINE)
    )


def test_every_item_is_listed() -> None:
    assert sorted(ITEMS) == [*range(1, 92), *range(131, 135)]


@pytest.mark.parametrize("shown_by", sorted(set(ITEMS.values())))
def test_what_shows_an_item_is_there(shown_by: str) -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]
    if shown_by == "pyright":
        assert settings["pyright"]["typeCheckingMode"] == "strict"
    elif shown_by.startswith("ruff "):
        assert settings["ruff"]["lint"]["select"] == ["ALL"]
        assert shown_by.removeprefix("ruff ") not in settings["ruff"]["lint"]["ignore"]
    else:
        path, _, name = shown_by.partition("::")
        assert name in _tests(path), f"{path} has no test {name}"
