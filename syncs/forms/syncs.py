"""The form by which a sync is configured: how rows become records at the destination."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from config.errors import HeadraceError, Invalid
from config.ui.widgets import RadioCards
from connectors.choices import MODE_WORDS
from connectors.forms import SettingsForm, Shown
from connectors.sdk.destination import DestinationField, FirstRun, Mapper, Removal, SyncType
from syncs.configuration import Proposal
from syncs.forms.locking import Lock, Locking
from syncs.forms.mapping import MappingForm, Offer, line_of, lines_of, mappings_in
from syncs.suggestions import suggested

REMOVAL_WORDS = {
    Removal.NOTHING: ("Do nothing", "The record stays as it is."),
    Removal.CLEAR: ("Clear fields", "The record stays; its mapped fields are emptied."),
    Removal.DELETE: ("Delete the record", "The record is deleted at the destination."),
}
FIRST_RUN_WORDS = {
    FirstRun.BACKFILL: ("Send all rows", "The first run sends every row of the model."),
    FirstRun.SKIP: ("Skip existing rows", "The first run remembers the rows; later runs send only changes."),
}


class BehaviourForm(forms.Form):
    """Mode, what happens to rows that leave the model, and what the first run sends."""

    use_required_attribute = False

    mode = forms.ChoiceField(label="Mode", widget=RadioCards)
    removal = forms.ChoiceField(label="When a row leaves the model", widget=RadioCards)
    first_run = forms.ChoiceField(label="First run", widget=RadioCards)

    def __init__(self, data: Any = None, *, kind: SyncType, initial: Mapping[str, Any] | None = None) -> None:
        first = kind.modes[0]
        start = {"mode": first.mode.value, "removal": first.removals[0].value, "first_run": kind.first_run[0].value}
        super().__init__(data, initial={**start, **(initial or {})})
        self.kind = kind
        removals = [r for r in Removal if any(r in spec.removals for spec in kind.modes)]
        self._offer("mode", {m.mode.value: (MODE_WORDS[m.mode], m.description) for m in kind.modes})
        self._offer("removal", {r.value: REMOVAL_WORDS[r] for r in removals})
        self._offer("first_run", {f.value: FIRST_RUN_WORDS[f] for f in kind.first_run})
        # The choice shows only with modes that leave one.
        choosing = [m.mode.value for m in kind.modes if len(m.removals) > 1]
        if len(removals) > 1 and len(choosing) < len(kind.modes):
            self.fields["removal"].widget.attrs["data-show-when"] = f"mode={'|'.join(choosing)}"

    def clean(self) -> dict[str, Any]:
        """A mode with a single way to handle removed rows takes that one, whatever the hidden choice says."""
        sent = self.cleaned_data
        spec = next((m for m in self.kind.modes if m.mode.value == sent.get("mode")), None)
        if spec is not None and len(spec.removals) == 1:
            sent["removal"] = spec.removals[0].value
        return sent

    def _offer(self, name: str, options: Mapping[str, tuple[str, str]]) -> None:
        """Offer the options of one choice; a choice of one is made without asking."""
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        choices = [(value, label) for value, (label, _) in options.items()]
        if len(options) == 1:
            field.widget = forms.HiddenInput()
        else:
            field.widget = RadioCards(notes={value: note for value, (_, note) in options.items()})
        field.choices = choices


class SyncForm:
    """Settings, behaviour and mapping of one sync type, as one form with one set of errors.

    ``stored`` is the configuration being edited as :class:`Proposal`-shaped values.
    """

    def __init__(
        self,
        data: Any = None,
        files: Any = None,
        *,
        kind: SyncType,
        columns: Mapping[str, str],
        fields: Sequence[DestinationField],
        choices_url: str,
        stored: Mapping[str, Any] | None = None,
        secret_set_at: Mapping[str, str] | None = None,
        locking: Locking | None = None,
    ) -> None:
        stored = stored or {}
        self.kind, self.locking = kind, locking
        shown = Shown(stored.get("settings", {}), secret_set_at or {}, list(columns), choices_url)
        locks, fixed = (locking.settings, locking.fixed) if locking else ({}, frozenset())
        self.settings = SettingsForm(
            kind.settings,
            data,
            files,
            shown=shown,
            prefix="settings",
            locks=locks,
            fixed=fixed,
            may_be_blank=locking.may_be_blank if locking else (),
            asked=locking.asked if locking else (),
        )
        self.behaviour = BehaviourForm(data, kind=kind, initial=stored)
        mappings = stored.get("mappings") or suggested(columns, fields)
        advanced = kind.mapper is Mapper.ADVANCED
        choosing = locking is not None and locking.locks is None
        self.offer = Offer(
            columns=columns, fields=fields, custom=kind.custom_fields, advanced=advanced, lockable=choosing
        )
        self.lines = lines_of(data, [self._line(mapping) for mapping in mappings], self.offer)
        if locking is not None and locking.locks is not None:
            self._lock(locking, len(mappings))
        self.fields = fields
        self.problems: list[str] = []
        self.mapping_problems: list[str] = []

    def _line(self, mapping: Mapping[str, Any]) -> dict[str, Any]:
        line = line_of(mapping)
        if self.locking is not None:
            line["locked"] = not self.locking.is_open(f"mappings.{line['to']}")
        return line

    def _lock(self, locking: Locking, stored: int) -> None:
        """Let nobody change what the template locks."""
        for name, lock in locking.behaviour.items():
            self.behaviour.fields[name].disabled = lock is not None
        for line in self.lines.forms[:stored]:
            to = str(line.initial.get("to", ""))
            lock = locking.lock(f"mappings.{to}", to)
            if lock is not None or not locking.adding:
                line.lock_as(lock, wholly=lock is not None)

    @property
    def behaviour_rows(self) -> list[tuple[Any, Lock | None]]:
        """Mode, removal and first run, each with its lock; those without a choice have none."""
        locks = self.locking.behaviour if self.locking else {}
        return [(row, locks.get(row.name)) for row in self.behaviour.visible_fields()]

    def is_valid(self) -> bool:
        """Whether everything that was typed can be read."""
        parts = (self.settings, self.behaviour, *((self.lines,) if self.kind.mapping else ()))
        return not [part for part in parts if not part.is_valid()]

    @property
    def custom_lines(self) -> list[MappingForm]:
        """The lines whose field is not among those that the destination lists; none where it lists none."""
        known = {"", *(field.name for field in self.fields)}
        lines = self.lines.forms if self.fields else []
        return [line for line in lines if str(line["to"].value() or "").strip() not in known]

    @property
    def shown_lines(self) -> list[MappingForm]:
        """The standard lines, without spare ones where none may be added."""
        adding = self.locking is None or self.locking.adding
        return [line for line in self.standard_lines if adding or not line.is_blank]

    @property
    def standard_lines(self) -> list[MappingForm]:
        """All other lines."""
        custom = self.custom_lines
        return [line for line in self.lines.forms if line not in custom]

    def proposal(self) -> Proposal:
        """What the services take."""
        chosen = self.behaviour.cleaned_data
        return Proposal(
            sync_type=self.kind.key,
            mode=chosen["mode"],
            removal=chosen["removal"],
            first_run=chosen["first_run"],
            settings=self.settings.values,
            mappings=self.mappings_as_sent(),
        )

    def mappings_as_sent(self) -> list[dict[str, Any]]:
        """The lines that were filled in and can be read."""
        return mappings_in(self.lines) if self.kind.mapping else []

    def take(self, error: HeadraceError) -> None:
        """Put a service's errors at the inputs they are about; the rest stands on top."""
        mappings = [line for line in self.lines.forms if self.kind.mapping and line.is_valid() and line.mapping()]
        fields = error.fields if isinstance(error, Invalid) else {}
        for path, message in (fields or {"": error.message}).items():
            head, _, tail = path.partition(".")
            if head == "settings" and tail:
                self.settings.take_errors({tail: message})
            elif head == "mappings" and (line := _line_at(mappings, tail)) is not None:
                line.add_error("to", message)
            elif head in ("mappings", "identifier"):
                self.mapping_problems.append(message)
            elif head in self.behaviour.fields:
                self.behaviour.add_error(head, message)
            else:
                self.problems.append(f"{message} {error.hint}".strip())


def _line_at(lines: Sequence[Any], path: str) -> Any:
    """The line that a path is about, also where it leads to something inside of it."""
    number = path.partition(".")[0]
    return lines[int(number)] if number.isdigit() and int(number) < len(lines) else None
