"""How every state is shown: one word, one icon, one tone, one sentence.

Colour never stands alone: a pill always carries the icon and the word. Tones
are the ones of ``frontend/styles/tokens.css``: good (healthy, added), warn
(warning, changed), bad (failed, removed), draft (draft, pending), brand (in
motion), neutral (off).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Tone = Literal["neutral", "brand", "good", "warn", "bad", "draft"]


@dataclass(frozen=True)
class Status:
    """One state as people see it; ``moving`` states turn their icon."""

    word: str
    icon: str
    tone: Tone
    sentence: str
    moving: bool = False


SYNC: dict[str, Status] = {
    "healthy": Status("Healthy", "circle-check", "good", "The latest run delivered every row."),
    "warning": Status("Warning", "triangle-alert", "warn", "The latest run finished, and some rows were rejected."),
    "draft": Status("Draft", "pencil", "draft", "Not published yet: it does not run."),
    "pending": Status("Pending", "circle-dashed", "draft", "No run has been started or scheduled yet."),
    "disabled": Status("Disabled", "circle-slash", "neutral", "The schedule is off; runs start only by hand or API."),
    "paused": Status("Paused", "circle-pause", "neutral", "Paused: no run starts until it is resumed."),
    "querying": Status("Querying", "loader-circle", "brand", "Reading the model from the source.", moving=True),
    "preparing": Status("Preparing", "loader-circle", "brand", "Comparing rows with the last run.", moving=True),
    "held": Status(
        "Held", "hourglass", "warn", "Waits for a person: the latest run would change more than its guardrails allow."
    ),
    "queued": Status("Queued", "clock", "brand", "Changes are ready and wait for a worker."),
    "in_progress": Status("In progress", "loader-circle", "brand", "Sending rows to the destination.", moving=True),
    "incomplete": Status("Incomplete", "circle-dot", "warn", "Interrupted; the next run sends what is due."),
    "failed": Status("Failed", "circle-x", "bad", "The latest run stopped on an error."),
    "aborted": Status("Aborted", "circle-x", "bad", "The latest run stopped on an error."),
}

RUN: dict[str, Status] = {
    "held": Status("Held", "hourglass", "warn", "Nothing was sent: a person decides whether this change set is right."),
    "queued": Status("Queued", "clock", "brand", "Waiting for a worker."),
    "querying": Status("Querying", "loader-circle", "brand", "Reading the model from the source.", moving=True),
    "preparing": Status("Preparing", "loader-circle", "brand", "Comparing rows with the last run.", moving=True),
    "processing": Status("Processing", "loader-circle", "brand", "Sending rows to the destination.", moving=True),
    "in_progress": Status("Processing", "loader-circle", "brand", "Sending rows to the destination.", moving=True),
    "settling": Status("Settling", "loader-circle", "brand", "Recording what was delivered.", moving=True),
    "completed": Status("Completed", "circle-check", "good", "Every row was delivered."),
    "success": Status("Completed", "circle-check", "good", "Every row was delivered."),
    "completed_with_errors": Status("Completed with errors", "triangle-alert", "warn", "Some rows were rejected."),
    "warning": Status("Completed with errors", "triangle-alert", "warn", "Some rows were rejected."),
    "cancelling": Status("Cancelling", "loader-circle", "warn", "Finishing what is in flight.", moving=True),
    "cancelled": Status("Cancelled", "circle-stop", "neutral", "Stopped by a person before the end."),
    "interrupted": Status("Incomplete", "circle-dot", "warn", "Interrupted; the next run sends what is due."),
    "incomplete": Status("Incomplete", "circle-dot", "warn", "Interrupted; the next run sends what is due."),
    "aborted": Status("Aborted", "circle-x", "bad", "Stopped on an error."),
    "failed": Status("Failed", "circle-x", "bad", "Stopped on an error."),
}

SEQUENCE: dict[str, Status] = {
    "never_ran": Status("Pending", "circle-dashed", "draft", "It has not run yet."),
    "running": Status("Running", "loader-circle", "brand", "Its syncs run one after another.", moving=True),
    "succeeded": Status("Completed", "circle-check", "good", "Every step ran."),
    "failed": Status("Stopped", "circle-x", "bad", "A step ended the sequence, as its rule says."),
    "cancelled": Status("Cancelled", "circle-stop", "neutral", "Stopped by a person before the end."),
    "disabled": Status("Disabled", "circle-slash", "neutral", "The schedule is off; runs start only by hand or API."),
}

STEP: dict[str, Status] = {
    "waiting": Status("Waiting", "clock", "neutral", "Its turn has not come."),
    "running": Status("Running", "loader-circle", "brand", "The sync runs.", moving=True),
    "succeeded": Status("Completed", "circle-check", "good", "Every row was delivered."),
    "warning": Status("With errors", "triangle-alert", "warn", "Some rows were rejected."),
    "failed": Status("Failed", "circle-x", "bad", "The sync failed or could not be started."),
    "cancelled": Status("Cancelled", "circle-stop", "neutral", "The run of the sync was cancelled."),
    "skipped": Status("Not run", "circle-slash", "neutral", "The sequence ended before its turn."),
}

CONNECTION: dict[str, Status] = {
    "healthy": Status("Connected", "circle-check", "good", "The last test succeeded."),
    "untested": Status("Not tested", "circle-dashed", "draft", "The connection has not been tested yet."),
    "testing": Status("Testing", "loader-circle", "brand", "Trying the connection.", moving=True),
    "failing": Status("Failing", "circle-x", "bad", "The last test failed."),
}

ROW: dict[str, Status] = {
    "added": Status("Added", "circle-plus", "good", "New in the model."),
    "changed": Status("Changed", "circle-dot", "warn", "A mapped column changed."),
    "removed": Status("Removed", "circle-minus", "bad", "No longer in the model."),
    "succeeded": Status("Successful", "circle-check", "good", "The destination accepted the row."),
    "rejected": Status("Rejected", "circle-x", "bad", "The destination or a rule refused the row."),
    "planned": Status("Planned", "circle-dashed", "neutral", "Found by the comparison, not sent yet."),
    "in_doubt": Status("In doubt", "circle-help", "warn", "Sent, but no answer came back."),
    "unattempted": Status("Not sent", "circle-dashed", "neutral", "The run ended before this row was sent."),
}

DRAFT: dict[str, Status] = {
    "draft": Status("Draft", "pencil", "draft", "Not published yet."),
    "in_review": Status("In review", "hourglass", "draft", "Waiting for approval."),
    "approved": Status("Approved", "check-check", "good", "Approved and published."),
    "submitted": Status("In review", "hourglass", "draft", "Waiting for approval."),
    "published": Status("Published", "circle-check", "good", "Approved, and live since."),
    "denied": Status("Declined", "circle-x", "bad", "Declined: the draft is gone."),
    "deleted": Status("Deleted", "ban", "neutral", "Deleted by its author."),
    "active": Status("Active", "circle-check", "good", "In use."),
    "revoked": Status("Revoked", "ban", "neutral", "No longer valid."),
    "expired": Status("Expired", "clock", "neutral", "No longer valid."),
    "invited": Status("Invited", "mail", "draft", "The invitation has not been accepted yet."),
}

ALERT: dict[str, Status] = {
    "ok": Status("No alert", "circle-check", "good", "Nothing is wrong."),
    "warning": Status("Warning", "triangle-alert", "warn", "The threshold for a warning is crossed."),
    "critical": Status("Critical", "siren", "bad", "The threshold for critical is crossed."),
}

CHANNEL: dict[str, Status] = {
    "untested": Status("Not tested", "circle-dashed", "draft", "No message was sent with these settings yet."),
    "healthy": Status("Working", "circle-check", "good", "The latest message was delivered."),
    "failing": Status("Failing", "circle-x", "bad", "The latest message was not delivered."),
}

TUNNEL: dict[str, Status] = {
    "unconfirmed": Status("Not confirmed", "circle-dashed", "draft", "Nobody has confirmed the server's host key yet."),
    "untested": Status("Not tested", "circle-dashed", "draft", "The tunnel has not been tested with these settings."),
    "healthy": Status("Connected", "circle-check", "good", "The last test got through."),
    "failing": Status("Failing", "circle-x", "bad", "The last test did not get through."),
}

REVERSE_TUNNEL: dict[str, Status] = {
    "connected": Status("Connected", "circle-check", "good", "A client is connected and lends its port."),
    "away": Status("Not connected", "circle-dashed", "draft", "No client is connected; start its ssh command."),
}

DELIVERY: dict[str, Status] = {
    "waiting": Status("Waiting", "hourglass", "draft", "It is sent as soon as it can be."),
    "sending": Status("Sending", "loader-circle", "brand", "It is being sent.", moving=True),
    "sent": Status("Sent", "circle-check", "good", "The other side has taken it."),
    "failed": Status("Not delivered", "circle-x", "bad", "It was given up; somebody has to change something first."),
}

WEBHOOK: dict[str, Status] = {
    "disabled": Status("Switched off", "circle-slash", "neutral", "Nothing is sent to it."),
}

STREAM: dict[str, Status] = {
    "paused": Status("Paused", "circle-pause", "neutral", "Entries wait until it is resumed."),
}

CASE: dict[str, Status] = {
    "waiting": Status("Waiting", "clock", "brand", "The search begins as soon as a worker is free."),
    "searching": Status("Searching", "loader-circle", "brand", "Everything held is being searched.", moving=True),
    "found": Status("Searched", "circle-check", "good", "The search has ended. Its result is kept for some hours."),
    "failed": Status("Failed", "circle-x", "bad", "The search did not come to its end."),
    "requested": Status("To confirm", "hourglass", "draft", "Somebody asked for this person to be forgotten."),
    "confirmed": Status("Waiting", "clock", "brand", "The erasure begins as soon as nothing is in its way."),
    "erasing": Status("Erasing", "loader-circle", "brand", "The person's data is being erased.", moving=True),
    "stuck": Status("Stopped", "circle-x", "bad", "The erasure needs a decision."),
    "erased": Status("Forgotten", "circle-check", "good", "Nothing of the person is left but the report."),
}

KINDS: dict[str, dict[str, Status]] = {
    "sync": SYNC,
    "run": RUN,
    "sequence": SEQUENCE,
    "step": STEP,
    "connection": CONNECTION,
    "row": ROW,
    "case": CASE,
    "draft": DRAFT,
    "alert": ALERT,
    "channel": CHANNEL,
    "delivery": DELIVERY,
    "webhook": WEBHOOK,
    "stream": STREAM,
    "tunnel": TUNNEL,
    "reverse_tunnel": REVERSE_TUNNEL,
}


def status_for(value: str, kind: str = "sync") -> Status:
    """The status of a stored value; an unknown value is shown in its own words rather than hidden."""
    known = KINDS[kind].get(str(value).lower())
    if known:
        return known
    return Status(str(value).replace("_", " ").capitalize(), "circle", "neutral", "")
