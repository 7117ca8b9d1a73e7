"""What a sync does, in one plain sentence."""

from __future__ import annotations

from syncs.choices import ScheduleKind
from syncs.mappings import from_json
from syncs.models import Sequence, Sync
from syncs.schedules import Schedule

VERBS = {
    "upsert": "adds new rows of {model} to {destination} and updates changed ones",
    "update": "updates changed rows of {model} in {destination}",
    "insert": "adds new rows of {model} to {destination}",
    "add": "adds new rows of {model} to {destination}",
    "remove": "removes rows of {model} from {destination}",
    "archive": "sends all rows of {model} to {destination}",
    "all": "writes all rows of {model} to {destination}",
    "snapshot": "writes a new copy of all rows of {model} to {destination}",
    "diff": "writes what was added, changed and removed in {model} to {destination}",
    "custom": "sends what was added, changed or removed in {model} to {destination}, as its triggers say",
}
REMOVALS = {
    "nothing": "Rows that leave the model stay at the destination.",
    "clear": "The mapped fields of rows that leave the model are emptied.",
    "delete": "Rows that leave the model are deleted at the destination.",
}
TRACKED = frozenset({"upsert", "update", "insert", "add", "remove"})


def outcome_sentence(sync: Sync, schedule: Schedule) -> str:
    """Such as: "Every hour, Headrace adds new rows of Customers to App database and updates changed ones, …"."""
    verb = VERBS[sync.mode].format(model=f"“{sync.model}”", destination=f"“{sync.destination}”")
    matched = [m.to for m in from_json(sync.mappings) if m.identifier]
    by = f", matched by {' and '.join(matched)}" if matched else ""
    ending = f" {REMOVALS[sync.removal]}" if sync.mode in TRACKED else ""
    return f"{_when(schedule)} Headrace {verb}{by}.{ending}"


def sequence_sentence(sequence: Sequence, steps: int, schedule: Schedule | None = None) -> str:
    """Such as: "Every hour, Headrace runs the 4 syncs of this sequence one after another."."""
    what = "its one sync" if steps == 1 else f"its {steps} syncs one after another"
    return f"{_when(schedule or sequence.schedule)} Headrace runs {what}."


def _when(schedule: Schedule) -> str:
    match schedule.kind:
        case ScheduleKind.MANUAL:
            return "Whenever it is run,"
        case ScheduleKind.CRON:
            return f"At the times of the cron expression {schedule.words},"
    return f"{schedule.words},"
