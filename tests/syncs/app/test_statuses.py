"""The one internal status vocabulary against every other one."""

from __future__ import annotations

from typing import Any

import pytest

from syncs.choices import LIVE, WORDS, Health, RunStatus, SyncState, ended_as, sync_status

# The words that clients and pages know; a status in none of them would be invisible there.
SYNC_PAGE = {
    "Healthy", "Warning", "Pending", "Disabled", "Paused", "Querying", "Preparing", "Queued", "In progress",
    "Incomplete", "Failed", "Held",
}  # fmt: skip
RUN_PAGE = {
    "Querying",
    "Processing",
    "Completed",
    "Completed with errors",
    "Aborted",
    "Cancelled",
    "Interrupted",
    "Held",
    "",
}
API_TERMINAL = {"cancelled", "failed", "success", "warning", "interrupted"}
API_PENDING = {"queued", "querying", "processing", "reporting", "pending", "disabled"}


@pytest.mark.parametrize("status", [*RunStatus, *SyncState])
def test_every_status_has_a_word_in_every_vocabulary(status: RunStatus | SyncState) -> None:
    words = WORDS[status]
    assert words.sync_page in SYNC_PAGE
    assert words.run_page in RUN_PAGE
    assert words.api_sync in API_TERMINAL | API_PENDING
    assert words.log in {"succeeded", "failed", ""}
    assert words.audience in {"active", "paused", "failed", "warning"}


@pytest.mark.parametrize("status", list(RunStatus))
def test_a_client_that_polls_stops_exactly_when_the_run_has_ended(status: RunStatus) -> None:
    assert (WORDS[status].api_run in API_PENDING) == (status in LIVE)
    assert (WORDS[status].log == "") == (status in LIVE)


def test_any_rejected_row_makes_a_run_a_warning() -> None:
    quiet: dict[str, Any] = {"in_doubt": 0, "cancelled": False, "failed": False, "interrupted": False}
    assert ended_as(rejected=0, **quiet) == RunStatus.SUCCEEDED
    assert ended_as(rejected=1, **quiet) == RunStatus.WARNING
    assert ended_as(rejected=0, **{**quiet, "in_doubt": 1}) == RunStatus.WARNING
    assert ended_as(rejected=1, **{**quiet, "failed": True}) == RunStatus.FAILED
    assert ended_as(rejected=1, **{**quiet, "failed": True, "cancelled": True}) == RunStatus.CANCELLED
    assert ended_as(rejected=0, **{**quiet, "interrupted": True}) == RunStatus.INTERRUPTED


@pytest.mark.parametrize(
    ("paused", "off", "latest", "expected"),
    [
        (False, False, None, SyncState.NEVER_RAN),
        (False, True, None, SyncState.SCHEDULE_OFF),
        (False, True, "failed", SyncState.SCHEDULE_OFF),
        (True, True, "failed", SyncState.PAUSED),
        (True, False, "succeeded", SyncState.PAUSED),
        (False, True, "writing", RunStatus.WRITING),
        (True, False, "writing", RunStatus.WRITING),
        (False, False, "warning", RunStatus.WARNING),
    ],
)
def test_which_of_several_truths_a_sync_shows(
    paused: bool, off: bool, latest: str | None, expected: RunStatus | SyncState
) -> None:
    assert sync_status(paused=paused, schedule_off=off, latest=latest) == expected


def test_only_bad_endings_and_what_waits_for_a_person_are_unhealthy() -> None:
    unhealthy = {status for status in RunStatus if WORDS[status].health in (Health.FAILED, Health.WARNING)}
    assert unhealthy == {RunStatus.FAILED, RunStatus.WARNING, RunStatus.INTERRUPTED, RunStatus.HELD}
