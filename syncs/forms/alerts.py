"""The forms of alerts: thresholds and recipients of a destination or a sync, and mutes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django import forms
from django.forms import BaseFormSet, BoundField, formset_factory

from config.errors import Invalid
from config.ui.widgets import RadioCards
from notifications.channels import TYPES
from notifications.models import Channel
from notifications.selectors import people_here
from syncs.alerting.policy import rules_of
from syncs.alerting.triggers import TRIGGERS, Rule, TriggerType
from syncs.choices import Subscription, TriggerKind
from syncs.models import AlertPolicy, AlertRecipient
from syncs.services.alerts import Alerting, Recipient

SPARE_LINES = 2
WINDOWS = [(1, "the last hour"), (6, "the last 6 hours"), (24, "the last 24 hours"), (72, "the last 3 days")]
WINDOWS += [(168, "the last 7 days"), (336, "the last 14 days"), (720, "the last 30 days")]
REMINDERS = [("", "Never"), (1, "Every hour"), (4, "Every 4 hours"), (12, "Every 12 hours"), (24, "Every day")]
MUTES: Mapping[str, tuple[str, timedelta | None]] = {
    "1h": ("1 hour", timedelta(hours=1)),
    "8h": ("8 hours", timedelta(hours=8)),
    "1d": ("1 day", timedelta(days=1)),
    "7d": ("7 days", timedelta(days=7)),
    "always": ("Until it is unmuted", None),
}


@dataclass(frozen=True, slots=True)
class RuleLine:
    """One trigger as the template draws it. ``inherited`` says in words what holds without a rule of its own."""

    trigger: TriggerType
    own: BoundField | None
    enabled: BoundField | None
    warning: BoundField
    critical: BoundField
    extra: BoundField | None
    inherited: str

    @property
    def errors(self) -> list[str]:
        """What is wrong in the line."""
        fields = (self.own, self.enabled, self.warning, self.critical, self.extra)
        return [str(error) for field in fields if field is not None for error in field.errors]


class RulesForm(forms.Form):
    """Thresholds by trigger. With ``inherited``, each rule may be left to the destination."""

    use_required_attribute = False

    reminder_hours = forms.TypedChoiceField(
        label="Repeat the message while an alert lasts", choices=REMINDERS, coerce=int, empty_value=None, required=False
    )
    source = forms.ChoiceField(
        label="Who is told",
        choices=[("destination", "Those of the destination"), ("sync", "Its own")],
        widget=RadioCards(
            notes={"destination": "Whoever is told of all its syncs.", "sync": "Only those listed here."}
        ),
    )

    def __init__(
        self, data: Any = None, *, policy: AlertPolicy | None, inherited: Mapping[TriggerKind, Rule] | None = None
    ) -> None:
        super().__init__(data)
        self.inherited = inherited
        own = rules_of(policy)
        self.initial["reminder_hours"] = policy.reminder_hours if policy and policy.reminder_hours else ""
        self.initial["source"] = "sync" if policy and policy.own_recipients else "destination"
        if inherited is None:
            del self.fields["source"]
        for kind in TRIGGERS:
            self._add(kind, own.get(kind))

    def lines(self) -> list[RuleLine]:
        """The triggers, in the order of the page."""
        return [self._line(trigger) for trigger in TRIGGERS.values()]

    def rules(self) -> dict[TriggerKind, Rule]:
        """What was sent, without what is inherited."""
        sent = self.cleaned_data
        return {kind: self._rule(kind) for kind in TRIGGERS if self.inherited is None or sent[f"{kind}-own"] == "own"}

    def take(self, error: Invalid) -> None:
        """Put a service's judgement next to the fields it speaks of."""
        for path, words in error.fields.items():
            kind, _, name = path.partition(".")
            field = f"{kind}-{name}" if name else path
            self.add_error(field if field in self.fields else None, words)

    def _add(self, kind: TriggerKind, own: Rule | None) -> None:
        trigger, shown = TRIGGERS[kind], own or (self.inherited or {}).get(kind) or TRIGGERS[kind].default
        label = trigger.label.lower()
        if self.inherited is not None:
            self.fields[f"{kind}-own"] = forms.ChoiceField(
                choices=[("inherited", "As the destination"), ("own", "Own thresholds")],
                widget=forms.Select(attrs={"aria-label": f"What holds for {label}"}),
            )
            self.initial[f"{kind}-own"] = "own" if own else "inherited"
        if not trigger.always_on:
            self.fields[f"{kind}-enabled"] = forms.BooleanField(
                required=False, widget=forms.CheckboxInput(attrs={"aria-label": f"Watch {label}", "class": "checkbox"})
            )
            self.initial[f"{kind}-enabled"] = shown.enabled
        for level in ("warning", "critical"):
            self.fields[f"{kind}-{level}"] = _threshold(f"{level.capitalize()} for {label}")
            self.initial[f"{kind}-{level}"] = _plain(getattr(shown, level))
        if kind is TriggerKind.REJECTED:
            self.fields[f"{kind}-unit"] = forms.ChoiceField(
                choices=[("rows", "rows of one run"), ("percent", "% of the queried rows")],
                widget=forms.Select(attrs={"aria-label": "Unit for rejected rows"}),
            )
            self.initial[f"{kind}-unit"] = "percent" if shown.percent else "rows"
        if kind is TriggerKind.THROUGHPUT:
            windows = (
                WINDOWS
                if shown.window_hours in dict(WINDOWS)
                else [*WINDOWS, (shown.window_hours, f"the last {shown.window_hours} hours")]
            )
            self.fields[f"{kind}-window"] = forms.TypedChoiceField(
                choices=windows, coerce=int, widget=forms.Select(attrs={"aria-label": "Time for rows delivered"})
            )
            self.initial[f"{kind}-window"] = shown.window_hours

    def _rule(self, kind: TriggerKind) -> Rule:
        sent, default = self.cleaned_data, TRIGGERS[kind].default
        return Rule(
            enabled=TRIGGERS[kind].always_on or bool(sent.get(f"{kind}-enabled")),
            warning=sent.get(f"{kind}-warning"),
            critical=sent.get(f"{kind}-critical"),
            percent=sent.get(f"{kind}-unit") == "percent",
            window_hours=sent.get(f"{kind}-window") or default.window_hours,
        )

    def _line(self, trigger: TriggerType) -> RuleLine:
        kind = trigger.kind
        extra = next((self[f"{kind}-{n}"] for n in ("unit", "window") if f"{kind}-{n}" in self.fields), None)
        rule = (self.inherited or {}).get(kind)
        return RuleLine(
            trigger=trigger,
            own=self[f"{kind}-own"] if f"{kind}-own" in self.fields else None,
            enabled=self[f"{kind}-enabled"] if f"{kind}-enabled" in self.fields else None,
            warning=self[f"{kind}-warning"],
            critical=self[f"{kind}-critical"],
            extra=extra,
            inherited=trigger.sentence(rule) if rule else "",
        )


class RecipientForm(forms.Form):
    """One recipient: a channel or a person, and which alerts it is told of."""

    use_required_attribute = False

    who = forms.ChoiceField(label="Recipient", required=False)
    subscription = forms.ChoiceField(label="Told of", choices=reversed(Subscription.choices), required=False)

    def __init__(self, *args: Any, choices: Sequence[tuple[str, Any]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["who"].choices = choices  # type: ignore[attr-defined]
        number = str(self.prefix or "").rpartition("-")[2]
        line = f", line {int(number) + 1}" if number.isdigit() else ", line __line__"
        for field in self.fields.values():
            field.widget.attrs["aria-label"] = f"{field.label}{line}"

    @property
    def is_blank(self) -> bool:
        """Whether nobody was chosen."""
        return not self["who"].value()


def recipients_formset(data: Any = None, *, stored: Sequence[AlertRecipient] = ()) -> BaseFormSet[RecipientForm]:
    """The recipients of a policy, with the channels and people of the workspace to choose from."""
    made = formset_factory(RecipientForm, extra=SPARE_LINES, max_num=200)
    initial = [{"who": _who(recipient), "subscription": recipient.subscription} for recipient in stored]
    return made(data, initial=initial, prefix="to", form_kwargs={"choices": recipient_choices()})


def recipient_choices() -> list[tuple[str, Any]]:
    """Channels first, then people."""
    channels = [(f"channel-{c.pk}", f"{c.name} ({TYPES[c.type].name})") for c in Channel.objects.all()]
    people = [(f"person-{p.pk}", p.display_name if p.name == "" else f"{p.name} ({p.email})") for p in people_here()]
    groups: list[tuple[str, Any]] = [("", "Choose a recipient")]
    if channels:
        groups.append(("Channels", channels))
    return [*groups, ("People, by e-mail", people)]


def alerting_from(rules: RulesForm, recipients: BaseFormSet[RecipientForm]) -> Alerting:
    """What both forms say together."""
    inherits = "source" in rules.fields and rules.cleaned_data["source"] == "destination"
    chosen = [_recipient(form.cleaned_data) for form in recipients if form.cleaned_data.get("who")]
    return Alerting(
        rules=rules.rules(),
        recipients=None if inherits else chosen,
        reminder_hours=rules.cleaned_data["reminder_hours"],
    )


def _who(recipient: AlertRecipient) -> str:
    return f"channel-{recipient.channel_id}" if recipient.channel_id else f"person-{recipient.person_id}"


def _recipient(sent: Mapping[str, Any]) -> Recipient:
    kind, _, pk = sent["who"].partition("-")
    return Recipient(
        Subscription(sent["subscription"] or Subscription.ALL),
        channel_id=int(pk) if kind == "channel" else None,
        person_id=int(pk) if kind == "person" else None,
    )


def _plain(value: float | None) -> float | int | None:
    """A whole number as people write it."""
    return int(value) if value is not None and value == int(value) else value


def _threshold(label: str) -> forms.FloatField:
    widget = forms.NumberInput(attrs={"aria-label": label, "step": "any", "inputmode": "decimal", "placeholder": "–"})
    return forms.FloatField(required=False, min_value=0, widget=widget)
