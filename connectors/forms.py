"""Django forms made from declarations of settings: connections here, sync settings in the sync wizard.

Input names are paths ("host", "added.endpoint"); a section's switch is called
``<section>.__on``. The form checks with :func:`connectors.sdk.validation.clean`,
the same function services and the API use, and puts each error at its field.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import groupby
from typing import Any, cast

from django import forms
from django.utils.dateparse import parse_datetime

from config.timezones import timezone_names
from config.ui.widgets import CodeEditor, Combobox, RadioCards, Toggle
from connectors.clouds import choices as credential_choices
from connectors.models import Connection
from connectors.sdk.fields import (
    Asked,
    CredentialPicker,
    Field,
    FileUpload,
    KeyValues,
    Number,
    Section,
    Select,
    Text,
    TunnelPicker,
)
from connectors.sdk.fields import Toggle as ToggleField
from connectors.sdk.validation import Cleaned, InvalidSettings, clean, default_of, holds, is_blank
from connectors.selectors import tunnel_choices
from connectors.widgets import REMOVE, NamedValues, NumberWithUnit, Offered, StoredSecret, UploadOrPaste, text_of

SWITCH = "__on"
COMBOBOX_FROM = 12


@dataclass(frozen=True, slots=True)
class Node:
    """One declared setting as the template draws it: an input, or a section with nodes of its own.

    ``when_name`` is the input that decides whether it shows, ``when_values`` the
    values for which it does, ``hidden`` whether it is out of sight right now. ``lock`` stands beside a setting at the
    top (see :mod:`syncs.forms.locking`), and ``kept`` is what is sent in place of one that cannot be changed.
    """

    path: str
    declared: Field
    bound: forms.BoundField | None
    nodes: tuple[Node, ...] = ()
    switch: forms.BoundField | None = None
    when_name: str = ""
    when_values: str = ""
    hidden: bool = False
    lock: Any = None
    kept: str = ""

    @property
    def is_section(self) -> bool:
        """Whether it holds other settings."""
        return isinstance(self.declared, Section)

    @property
    def is_on(self) -> bool:
        """Whether a section's switch is on."""
        return self.switch is None or bool(self.switch.value())

    @property
    def has_errors(self) -> bool:
        """Whether anything in it is wrong."""
        own = bool(self.bound and self.bound.errors)
        return own or any(node.has_errors for node in self.nodes)


@dataclass(frozen=True, slots=True)
class Block:
    """Settings under one heading."""

    heading: str
    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """What a form starts from: stored settings, when each secret was set, columns and where pickers ask.

    ``choices_url`` answers the options of discovered pickers; the path is added as ``field=``.
    ``tunnels`` are the workspace's, as values and labels below what they are; ``credentials`` those of the provider.
    """

    config: Mapping[str, Any] = field(default_factory=dict)
    set_at: Mapping[str, str] = field(default_factory=dict)
    columns: Sequence[str] = ()
    choices_url: str = ""
    tunnels: Sequence[tuple[str, list[tuple[str, str]]]] = ()
    credentials: Sequence[tuple[str, str]] = ()


class _AsSent(forms.Field):
    """A form field whose value the declarations check, not Django."""

    def __init__(self, declared: Field, widget: forms.Widget, *, required: bool) -> None:
        super().__init__(label=declared.label, help_text=declared.help, required=required, widget=widget)

    def clean(self, value: Any) -> Any:
        """Nothing here: the form checks all settings together."""
        return value


class SettingsForm(forms.Form):
    """The settings of a declaration. After ``is_valid()``, ``values`` is what services take."""

    use_required_attribute = False

    def __init__(
        self,
        fields: Sequence[Field],
        data: Any = None,
        files: Any = None,
        *,
        shown: Shown | None = None,
        prefix: str | None = None,
        locks: Mapping[str, Any] | None = None,
        fixed: Collection[str] = (),
        may_be_blank: Collection[str] = (),
        asked: Collection[str] = (),
    ) -> None:
        """``fixed`` are settings that cannot be changed, ``may_be_blank`` those that may be missing though required.

        ``asked`` are those that the page points out, as somebody has to say them.
        """
        super().__init__(data, files, prefix=prefix)
        # What only the connected system knows is drawn where its settings stand in its place.
        self.declared = tuple(each for each in fields if not isinstance(each, Asked))
        self.locks, self.fixed = locks or {}, frozenset(fixed)
        self.may_be_blank, self.asked = frozenset(may_be_blank), frozenset(asked)
        self.shown = shown or Shown()
        self.cleaned: Cleaned | None = None
        self._add(self.declared, self.shown.config, "")
        for path, shown_field in self.fields.items():
            shown_field.disabled = _top(path) in self.fixed

    @cached_property
    def values(self) -> dict[str, Any]:
        """The settings as sent, nested as declared: input for a service, credentials among them."""
        sent = self._raw(self.declared, "")
        free = {name: value for name, value in sent.items() if name not in self.fixed}
        return free | {name: self.shown.config[name] for name in self.fixed if name in self.shown.config}

    def clean(self) -> dict[str, Any]:
        """Check everything at once."""
        stored = dict.fromkeys(self.shown.set_at, "kept")
        try:
            self.cleaned = clean(self.declared, self.values, stored=stored)
        except InvalidSettings as error:
            self.cleaned = error.rest
            self.take_errors({path: words for path, words in error.errors.items() if not self._left(path)})
        return self.cleaned_data

    def _left(self, path: str) -> bool:
        """Whether a setting was left blank that may be."""
        return _top(path) in self.may_be_blank and is_blank(self.values, path)

    def take_errors(self, errors: Mapping[str, str]) -> None:
        """Put errors at their fields, as far as the form has them."""
        for path, message in errors.items():
            self.add_error(path if path in self.fields else self._nearest(path), message)

    def blocks(self) -> list[Block]:
        """The settings as the template draws them, by heading."""
        values = self._current(self.declared, "")
        nodes = list(self._nodes(self.declared, "", values, {}))
        grouped = groupby(nodes, key=lambda node: node.declared.group)
        return [Block(heading, tuple(members)) for heading, members in grouped]

    def _nearest(self, path: str) -> str | None:
        head = path.rpartition(".")[0]
        return head if head in self.fields else None

    def _add(self, fields: Sequence[Field], config: Mapping[str, Any], prefix: str) -> None:
        for declared in fields:
            path = prefix + declared.name
            if isinstance(declared, Section):
                self._add_section(declared, config, path)
                continue
            self.fields[path] = _AsSent(declared, self._widget(declared, path), required=declared.required)
            if not declared.secret:
                self.initial[path] = config.get(declared.name, default_of(declared))

    def _add_section(self, declared: Section, config: Mapping[str, Any], path: str) -> None:
        inner = config.get(declared.name, default_of(declared))
        if declared.optional and not declared.required:
            switch = ToggleField(name=SWITCH, label=declared.label, help=declared.help)
            self.fields[f"{path}.{SWITCH}"] = _AsSent(switch, Toggle(), required=False)
            self.initial[f"{path}.{SWITCH}"] = inner is not None
        self._add(declared.fields, inner or {}, path + ".")

    def _widget(self, declared: Field, path: str) -> forms.Widget:
        match declared:
            case KeyValues():
                columns = self.shown.columns if declared.column else ()
                return NamedValues(secret_rows=declared.secret_rows, set_at=self._row_times(path), columns=columns)
            case Text() | FileUpload() if declared.secret:
                return self._secret(declared, path)
            case FileUpload():
                return UploadOrPaste(declared.accept)
            case ToggleField():
                return Toggle()
            case Number():
                return _number(declared)
            case Select():
                return self._select(declared, path)
            case TunnelPicker():
                return _picker("Directly", self.shown.tunnels)
            case CredentialPicker():
                return _picker("None: enter keys below", self.shown.credentials)
            case Text() if declared.discover and self.shown.choices_url:
                return Offered(_text_attrs(declared), self._choices_url(path))
            case Text():
                return _text(declared)
        raise TypeError(f"no widget draws {type(declared).__name__}")

    def _secret(self, declared: Text | FileUpload, path: str) -> StoredSecret:
        upload = isinstance(declared, FileUpload)
        many = upload or (isinstance(declared, Text) and declared.multiline)
        return StoredSecret(
            set_at=_time(self.shown.set_at.get(path)),
            lines=4 if many else 1,
            removable=not declared.required,
            accept=declared.accept if isinstance(declared, FileUpload) else "",
            upload=upload,
        )

    def _row_times(self, path: str) -> dict[str, datetime]:
        start = path + "."
        found = {p.removeprefix(start): _time(t) for p, t in self.shown.set_at.items() if p.startswith(start)}
        return {name: moment for name, moment in found.items() if moment}

    def _select(self, declared: Select, path: str) -> forms.Widget:
        options = [(c.value, c.label) for c in declared.choices]
        if declared.column:
            options = [(c, c) for c in self.shown.columns]
        if declared.style == "cards" and not declared.discover:
            cards = RadioCards(notes={c.value: c.description for c in declared.choices})
            cards.choices = options
            return cards
        if not declared.required or declared.default is None:
            options.insert(0, ("", "–" if not declared.required else "Choose"))
        if declared.discover:
            return self._picker(declared, path, options)
        widget = Combobox() if len(options) >= COMBOBOX_FROM else forms.Select()
        widget.choices = options
        return widget

    def _picker(self, declared: Select, path: str, options: list[tuple[str, str]]) -> forms.Widget:
        """A select whose options the connected system lists: it asks when shown and when what it depends on changes."""
        now = self._config_at(path)
        if now:
            options.append((str(now), str(now)))
        prefix = path.rpartition(".")[0]
        beside = {d: f"{prefix}.{d}" if prefix else d for d in declared.depends}
        depends = [self.add_prefix(name if name in self.fields else d) for d, name in beside.items()]
        changed = "".join(f", change from:[name='{name}']" for name in depends)
        widget = forms.Select(
            {
                "hx-post": self._choices_url(path),
                "hx-trigger": f"load{changed}",
                "hx-include": "closest form",
                "hx-target": "this",
                "hx-swap": "innerHTML",
            }
            if self.shown.choices_url
            else {}
        )
        widget.choices = options
        return widget

    def _choices_url(self, path: str) -> str:
        return f"{self.shown.choices_url}{'&' if '?' in self.shown.choices_url else '?'}field={path}"

    def _config_at(self, path: str) -> Any:
        if self.is_bound and _top(path) not in self.fixed:
            return self.data.get(self.add_prefix(path))
        value: Any = self.shown.config
        for part in path.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        return value

    def _raw(self, fields: Sequence[Field], prefix: str) -> dict[str, Any]:
        raw: dict[str, Any] = {}
        for declared in fields:
            path = prefix + declared.name
            if isinstance(declared, Section):
                switch = f"{path}.{SWITCH}"
                on = switch not in self.fields or self._sent(switch)
                raw[declared.name] = self._raw(declared.fields, path + ".") if on else None
                continue
            value = self._sent(path)
            if value is REMOVE:
                raw[declared.name] = None
            elif not (declared.secret and value in (None, "")):
                raw[declared.name] = "" if value is None else value
        return {name: [] if value == "" and _is_rows(fields, name) else value for name, value in raw.items()}

    def _sent(self, path: str) -> Any:
        widget = self.fields[path].widget
        return text_of(widget.value_from_datadict(self.data, self.files, self.add_prefix(path)))

    def _current(self, fields: Sequence[Field], prefix: str) -> dict[str, Any]:
        """Values as the page shows them now, to decide what is hidden."""
        found: dict[str, Any] = {}
        for declared in fields:
            path = prefix + declared.name
            if isinstance(declared, Section):
                found[declared.name] = self._current(declared.fields, path + ".")
            else:
                found[declared.name] = self[path].value()
        return found

    def _nodes(
        self, fields: Sequence[Field], prefix: str, values: Mapping[str, Any], outer: Mapping[str, Any]
    ) -> Iterator[Node]:
        for declared in fields:
            path = prefix + declared.name
            when_name, when_values = self._when(declared, prefix)
            hidden = not _shows(declared, values, outer)
            section = isinstance(declared, Section)
            inner = values[declared.name] if section else {}
            yield Node(
                path=path,
                declared=declared,
                bound=None if section else self[path],
                nodes=tuple(self._nodes(declared.fields, path + ".", inner, {**outer, **values}))
                if isinstance(declared, Section)
                else (),
                switch=self[f"{path}.{SWITCH}"] if f"{path}.{SWITCH}" in self.fields else None,
                when_name=when_name,
                when_values=when_values,
                hidden=hidden,
                lock=None if prefix else self.locks.get(declared.name),
                kept=_word(self[path].value()) if not section and _top(path) in self.fixed else "",
            )

    def _when(self, declared: Field, prefix: str) -> tuple[str, str]:
        if declared.when is None:
            return "", ""
        beside = prefix + declared.when.field
        name = beside if beside in self.fields else declared.when.field
        return self.add_prefix(name), "|".join(_word(value) for value in declared.when.values)


class FinishForm(forms.Form):
    """The last step of a set-up: what the connection is called, and its time zone."""

    name = forms.CharField(
        max_length=200,
        help_text="How it appears across the workspace. The environment, the content and the owner make good names.",
        error_messages={"required": "Enter a name."},
    )
    timezone = forms.ChoiceField(
        label="Time zone",
        widget=Combobox,
        help_text="For timestamps that the system stores without a zone.",
        initial="UTC",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zones = cast(forms.ChoiceField, self.fields["timezone"])
        zones.choices = [(name, name.replace("_", " ")) for name in timezone_names()]


def settings_form(
    connection: Connection, fields: Sequence[Field], data: Any = None, files: Any = None, *, choices_url: str = ""
) -> SettingsForm:
    """The settings of a saved connection; its secrets show only when they were set."""
    shown = Shown(connection.config, connection.secret_set_at, choices_url=choices_url, **_offered_to(fields))
    return SettingsForm(fields, data, files, shown=shown)


def new_settings_form(
    fields: Sequence[Field], data: Any = None, files: Any = None, *, choices_url: str = ""
) -> SettingsForm:
    """The settings of a connection to be."""
    return SettingsForm(fields, data, files, shown=Shown(choices_url=choices_url, **_offered_to(fields)))


def _offered_to(fields: Sequence[Field]) -> dict[str, Any]:
    """The workspace's tunnels and credentials, where a setting asks for one."""
    offered: dict[str, Any] = {}
    for declared in fields:
        if isinstance(declared, TunnelPicker):
            offered["tunnels"] = tunnel_choices()
        elif isinstance(declared, CredentialPicker):
            offered["credentials"] = credential_choices(declared.provider)
    return offered


def _shows(declared: Field, values: Mapping[str, Any], outer: Mapping[str, Any]) -> bool:
    """As :func:`holds`, with values compared as the browser sends them."""
    if declared.when is None:
        return True
    words = {name: _word(value) for name, value in {**outer, **values}.items()}
    return holds(declared, words) or words.get(declared.when.field, "") in map(_word, declared.when.values)


def _top(path: str) -> str:
    return path.partition(".")[0]


def _word(value: Any) -> str:
    """A value as an input has it: checked switches are "on"."""
    if isinstance(value, bool):
        return "on" if value else ""
    return "" if value is None else str(value)


def _is_rows(fields: Sequence[Field], name: str) -> bool:
    return any(f.name == name and isinstance(f, KeyValues) for f in fields)


def _picker(none: str, offered: Sequence[tuple[str, Any]]) -> forms.Widget:
    widget = forms.Select()
    widget.choices = [("", none), *offered]
    return widget


def _number(declared: Number) -> forms.Widget:
    bounds = {"min": declared.minimum, "max": declared.maximum, "step": 1 if declared.whole else "any"}
    attrs = {k: (f"{v:g}" if isinstance(v, float) else v) for k, v in bounds.items() if v is not None}
    return NumberWithUnit({**attrs, "inputmode": "numeric" if declared.whole else "decimal"}, declared.unit)


def _text(declared: Text) -> forms.Widget:
    attrs: dict[str, Any] = {"placeholder": declared.placeholder} if declared.placeholder else {}
    if declared.multiline and (declared.syntax or declared.template):
        return CodeEditor(attrs, language=declared.syntax or "liquid", rows=8, builder=declared.builder)
    if declared.multiline:
        return forms.Textarea({**attrs, "rows": 4})
    return forms.TextInput(_text_attrs(declared))


def _text_attrs(declared: Text) -> dict[str, Any]:
    attrs: dict[str, Any] = {"placeholder": declared.placeholder} if declared.placeholder else {}
    if declared.template or declared.syntax:
        attrs["class"] = "mono"
    return {**attrs, "maxlength": declared.max_length, "autocomplete": "off"}


def _time(text: str | None) -> datetime | None:
    return parse_datetime(text) if text else None
