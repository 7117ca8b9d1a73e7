"""The triggers: what each watches, its thresholds, and what it finds wrong. Plain values, no database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from syncs.choices import AlertLevel, TriggerKind


@dataclass(frozen=True, slots=True)
class Rule:
    """When a trigger alerts: at which value it is a warning, at which critical; ``None`` for never.

    ``percent`` counts rejected rows in hundredths of the queried ones; ``window_hours``
    is how far back deliveries are added up.
    """

    enabled: bool
    warning: float | None = None
    critical: float | None = None
    percent: bool = False
    window_hours: int = 168

    def to_json(self) -> dict[str, Any]:
        """As policies keep it."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerType:
    """One trigger. ``below`` alerts under the threshold instead of from it on; ``unit`` is (one, many).

    ``timed`` ones are looked at every few minutes too, the others only when a run ends.
    """

    kind: TriggerKind
    label: str
    about: str
    question: str
    unit: tuple[str, str]
    default: Rule
    always_on: bool = False
    below: bool = False
    timed: bool = False
    lowest: float = 1
    highest: float = 1_000_000_000

    def level(self, rule: Rule, value: float | None) -> AlertLevel:
        """How bad a value is; nothing measured is nothing wrong."""
        if value is None or not rule.enabled:
            return AlertLevel.OK
        if rule.critical is not None and self._crosses(value, rule.critical):
            return AlertLevel.CRITICAL
        if rule.warning is not None and self._crosses(value, rule.warning):
            return AlertLevel.WARNING
        return AlertLevel.OK

    def problems(self, rule: Rule) -> dict[str, str]:
        """What is wrong with a rule, by its field."""
        highest = 100 if rule.percent else self.highest
        found = {
            name: f"Between {self.lowest:g} and {highest:,g}."
            for name, value in (("warning", rule.warning), ("critical", rule.critical))
            if value is not None and not self.lowest <= value <= highest
        }
        if not rule.enabled and self.always_on:
            found["enabled"] = "This trigger cannot be switched off; raise its thresholds, or mute it."
        if rule.enabled and rule.warning is None and rule.critical is None:
            found["warning"] = "Enter at least one threshold."
        if rule.warning is not None and rule.critical is not None and not self._worse(rule.critical, rule.warning):
            found["critical"] = f"Must be {'below' if self.below else 'above'} the threshold of the warning."
        if not 1 <= rule.window_hours <= 24 * 90:
            found["window_hours"] = "Between 1 hour and 90 days."
        return found

    def amount(self, value: float, rule: Rule | None = None) -> str:
        """A value with its unit."""
        if rule is not None and rule.percent:
            return f"{value:.3g} % of the queried rows"
        return f"{value:,.0f} {self.unit[0] if value == 1 else self.unit[1]}"

    def sentence(self, rule: Rule) -> str:
        """The rule in words."""
        if not rule.enabled:
            return "Off"
        parts = [
            f"{level.label} {self._when(value, rule)}"
            for level, value in ((AlertLevel.WARNING, rule.warning), (AlertLevel.CRITICAL, rule.critical))
            if value is not None
        ]
        window = f" in {window_words(rule.window_hours)}" if self.kind is TriggerKind.THROUGHPUT else ""
        return ", ".join(parts) + window

    def _when(self, value: float, rule: Rule) -> str:
        if self.kind in (TriggerKind.HELD, TriggerKind.CONSENT) and value == 0:
            return "at once"
        return f"{'below' if self.below else 'from'} {self.amount(value, rule)}"

    def _crosses(self, value: float, threshold: float) -> bool:
        return value < threshold if self.below else value >= threshold

    def _worse(self, critical: float, warning: float) -> bool:
        return critical < warning if self.below else critical > warning


TRIGGERS: Mapping[TriggerKind, TriggerType] = {
    trigger.kind: trigger
    for trigger in (
        TriggerType(
            kind=TriggerKind.FATAL,
            label="Failed runs",
            about="Runs in a row that could not finish: a side cannot be reached, credentials are refused, the query "
            "or the configuration does not work.",
            question="How many runs in a row",
            unit=("failed run in a row", "failed runs in a row"),
            default=Rule(enabled=True, critical=1),
            always_on=True,
            highest=100,
        ),
        TriggerType(
            kind=TriggerKind.REJECTED,
            label="Rejected rows",
            about="Rows of a run that were refused, by the destination or because they share a key, whether added, "
            "changed or removed.",
            question="How many rows of one run",
            unit=("rejected row", "rejected rows"),
            default=Rule(enabled=True, warning=1),
            always_on=True,
            lowest=0.001,
        ),
        TriggerType(
            kind=TriggerKind.HELD,
            label="Held run",
            about="A run that waits for a person, because it would remove or change more than its guardrails allow. "
            "Later runs wait too.",
            question="After how many minutes",
            unit=("minute", "minutes"),
            default=Rule(enabled=True, warning=0, critical=60),
            timed=True,
            lowest=0,
            highest=60 * 24 * 30,
        ),
        TriggerType(
            kind=TriggerKind.MODEL_SIZE,
            label="Model size",
            about="Rows that the model's query returned. Few may mean a filter, a join or a load that went wrong.",
            question="Fewer rows than",
            unit=("row", "rows"),
            default=Rule(enabled=False, warning=1),
            below=True,
        ),
        TriggerType(
            kind=TriggerKind.DURATION,
            label="Duration",
            about="Time from asking for a run to its end, or to now while it goes on: waiting, querying, sending "
            "and recording.",
            question="After how many minutes",
            unit=("minute", "minutes"),
            default=Rule(enabled=False, warning=60),
            timed=True,
            highest=60 * 24,
        ),
        TriggerType(
            kind=TriggerKind.THROUGHPUT,
            label="Rows delivered",
            about="Rows added, changed and removed by all runs of a time. Few may mean that a sync stands still.",
            question="Fewer rows than",
            unit=("row", "rows"),
            default=Rule(enabled=False, warning=1, window_hours=168),
            below=True,
            timed=True,
        ),
        TriggerType(
            kind=TriggerKind.CONSENT,
            label="Expired sign-in",
            about="Somebody has to agree again on the page of the source's or the destination's service, which no "
            "longer honours the sign-in. Runs fail until then.",
            question="After how many minutes",
            unit=("minute", "minutes"),
            default=Rule(enabled=True, critical=0),
            timed=True,
            lowest=0,
            highest=60 * 24 * 30,
        ),
    )
}


def rule_from(kind: TriggerKind, stored: Mapping[str, Any] | None) -> Rule | None:
    """A stored rule; nothing where none is stored. Unknown entries are left out, missing ones are the default's."""
    if stored is None:
        return None
    default = TRIGGERS[kind].default
    known = {name: value for name, value in stored.items() if name in Rule.__dataclass_fields__}
    return replace(default, **known)


def window_words(hours: int) -> str:
    """The last 7 days, the last 24 hours, the last hour."""
    if hours % 24 == 0 and hours > 24:
        return f"the last {hours // 24} days"
    return f"the last {hours} hours" if hours > 1 else "the last hour"
