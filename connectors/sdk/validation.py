"""Raw input checked against declarations: what forms, the API and services all go through.

A *path* names one setting: ``host``, ``added.endpoint`` (a field of a section) or
``headers.Authorization`` (a row of a :class:`~connectors.sdk.fields.KeyValues`).
Secret settings leave the configuration and come back as a flat mapping from path
to value, so that they can be stored encrypted; :func:`assemble` puts them back.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors.sdk.errors import ConfigError
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
    Toggle,
    TunnelPicker,
)

# Rows with such names hold credentials whatever the person ticked.
SECRET_ROW = re.compile(
    r"(?:^|[-_])(?:authorization|cookie|token|secret|password|passwd|credentials?|signature)(?:$|[-_])"
    r"|api[-_]?key|access[-_]?key|private[-_]?key|auth[-_]?key|subscription[-_]?key",
    re.IGNORECASE,
)
MAX_ROWS = 200
MAX_SECRET = 20_000
MAX_OBJECT = 100_000
_URL_PASSWORD = re.compile(r"://[^/@\s:]*:([^/@\s]+)@")


@dataclass(frozen=True, slots=True)
class Cleaned:
    """Settings ready to store. ``secrets`` is complete: new values and the kept ones."""

    config: dict[str, Any] = field(default_factory=dict)
    secrets: dict[str, Any] = field(default_factory=dict, repr=False)


class InvalidSettings(ConfigError):
    """Some settings are wrong; ``errors`` maps each one's path to what is wrong with it, ``rest`` is what is right."""

    def __init__(self, errors: Mapping[str, str], rest: Cleaned | None = None) -> None:
        first, message = next(iter(errors.items()))
        super().__init__(message, field=first)
        self.errors = dict(errors)
        self.rest = rest or Cleaned()


class _Wrong(Exception):
    """One value is wrong; becomes an entry of :class:`InvalidSettings`."""


def clean(fields: Sequence[Field], raw: Mapping[str, Any], *, stored: Mapping[str, Any] | None = None) -> Cleaned:
    """Check ``raw`` against ``fields`` and split the secrets out.

    ``stored`` holds the secrets set earlier: an absent or blank secret keeps its
    stored value, ``None`` removes it. Settings whose ``when`` does not hold are
    dropped. Raises :class:`InvalidSettings` with every error at once.
    """
    work = _Cleaning(stored or {})
    config = work.level(fields, raw, prefix="", outer={})
    work.refuse_unknown(fields, raw, prefix="")
    if work.errors:
        raise InvalidSettings(work.errors, Cleaned(config, work.secrets))
    return Cleaned(config, work.secrets)


def assemble(config: Mapping[str, Any], secrets: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration a connector is built with: stored settings and secrets in one."""
    whole: dict[str, Any] = json.loads(json.dumps(config))
    for path, value in secrets.items():
        _place(whole, path, value)
    return whole


def is_blank(settings: Mapping[str, Any], path: str) -> bool:
    """Whether nothing was given for one setting."""
    value: Any = settings
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return _blank(value) or value == []


def with_defaults(fields: Sequence[Field], config: Mapping[str, Any]) -> dict[str, Any]:
    """``config`` with the defaults of settings that it does not name (declared after it was stored)."""
    whole = dict(config)
    for declared in fields:
        if declared.name not in whole:
            whole[declared.name] = default_of(declared)
        elif isinstance(declared, Section) and isinstance(whole[declared.name], Mapping):
            whole[declared.name] = with_defaults(declared.fields, whole[declared.name])
    return whole


def default_of(declared: Field) -> Any:
    """What a setting is before anyone sets it."""
    if isinstance(declared, KeyValues):
        return list(declared.default or [])
    if isinstance(declared, Section) and declared.default is None and not declared.optional:
        return with_defaults(declared.fields, {})
    return declared.default


def secret_paths(fields: Sequence[Field], prefix: str = "") -> Iterator[str]:
    """Paths of the declared secret settings (rows of key-values are known only by their values)."""
    for declared in fields:
        if isinstance(declared, Section):
            yield from secret_paths(declared.fields, f"{prefix}{declared.name}.")
        elif declared.secret:
            yield prefix + declared.name


def holds(declared: Field, values: Mapping[str, Any], outer: Mapping[str, Any] | None = None) -> bool:
    """Whether a setting applies, given the values beside it (and those around its section)."""
    if declared.when is None:
        return True
    name = declared.when.field
    value = values[name] if name in values else (outer or {}).get(name)
    return value in declared.when.values


def scrub(text: str, secrets: Mapping[str, Any]) -> str:
    """``text`` without any of these secret values, and without passwords in URLs."""
    values = {str(v) for v in secrets.values() if isinstance(v, str | int) and len(str(v)) >= 3}
    lines = {line.strip() for v in values for line in v.splitlines() if len(line.strip()) >= 8}
    for value in sorted(values | lines, key=len, reverse=True):
        text = text.replace(value, "••••")
    return _URL_PASSWORD.sub(lambda m: m.group(0).replace(m.group(1), "••••"), text)


def json_schema(fields: Sequence[Field]) -> dict[str, Any]:
    """The declarations as a JSON Schema object, for the API's description."""
    return {
        "type": "object",
        "properties": {f.name: _schema_of(f) for f in fields},
        "required": [f.name for f in fields if f.required and f.when is None and default_of(f) is None],
        "additionalProperties": False,
    }


class _Cleaning:
    """One pass over raw settings, collecting values, secrets and errors."""

    def __init__(self, stored: Mapping[str, Any]) -> None:
        self.stored = stored
        self.secrets: dict[str, Any] = {}
        self.errors: dict[str, str] = {}

    def level(
        self, fields: Sequence[Field], raw: Mapping[str, Any], *, prefix: str, outer: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The fields of one level. Conditions may name fields declared later, so plain ones come first."""
        values: dict[str, Any] = {}
        for declared in sorted(fields, key=lambda f: f.when is not None):
            if not holds(declared, values, outer):
                continue
            path = prefix + declared.name
            try:
                self._one(declared, raw, path, values, outer)
            except _Wrong as wrong:
                self.errors[path] = str(wrong)
        return {f.name: values[f.name] for f in fields if f.name in values}

    def _one(
        self, declared: Field, raw: Mapping[str, Any], path: str, values: dict[str, Any], outer: Mapping[str, Any]
    ) -> None:
        value = raw.get(declared.name)
        if isinstance(declared, Section):
            values[declared.name] = self._section(declared, raw, path, {**outer, **values})
        elif declared.secret:
            self._secret(declared, declared.name in raw, value, path)
        elif isinstance(declared, KeyValues):
            values[declared.name] = self._rows(declared, default_of(declared) if value is None else value, path)
        else:
            if _blank(value):
                value = declared.default if declared.name not in raw or declared.required else None
            values[declared.name] = _value(declared, value)

    def _section(self, declared: Section, raw: Mapping[str, Any], path: str, outer: Mapping[str, Any]) -> Any:
        value = raw.get(declared.name, default_of(declared))
        if value is None or value is False:
            if declared.optional and not declared.required:
                return None
            value = {}
        if not isinstance(value, Mapping):
            raise _Wrong("Give an object of settings.")
        self.refuse_unknown(declared.fields, value, prefix=path + ".")
        return self.level(declared.fields, value, prefix=path + ".", outer=outer)

    def _secret(self, declared: Field, given: bool, value: Any, path: str) -> None:
        if given and value is None:
            if declared.required:
                raise _Wrong(_missing(declared))
            return
        if _blank(value):
            if path in self.stored:
                self.secrets[path] = self.stored[path]
            elif declared.required and default_of(declared) is None:
                raise _Wrong(_missing(declared))
            return
        self.secrets[path] = _value(declared, value)

    def _rows(self, declared: KeyValues, rows: Any, path: str) -> list[dict[str, Any]]:
        if not isinstance(rows, Sequence) or isinstance(rows, str) or len(rows) > MAX_ROWS:
            raise _Wrong(f"Give a list of at most {MAX_ROWS} names and values.")
        kept: list[dict[str, Any]] = []
        for row in rows:
            if clean_row := self._row(declared, row, path):
                kept.append(clean_row)
        if declared.required and not kept:
            raise _Wrong("Add at least one row.")
        return kept

    def _row(self, declared: KeyValues, row: Any, path: str) -> dict[str, Any] | None:
        if not isinstance(row, Mapping):
            raise _Wrong("Each row needs a name and a value.")
        name, value = str(row.get("name") or "").strip(), row.get("value")
        text = "" if value is None else str(value)
        if not name:
            if text:
                raise _Wrong("A row has a value but no name.")
            return None
        if any(c in name + text for c in "\r\n\0") and declared.secret_rows:
            raise _Wrong(f"“{name}” contains a line break.")
        secret = declared.secret_rows and (bool(row.get("secret")) or SECRET_ROW.search(name) is not None)
        if not secret:
            return {"name": name, "value": text, "secret": False}
        self._secret_row(f"{path}.{name}", name, text)
        return {"name": name, "value": "", "secret": True}

    def _secret_row(self, path: str, name: str, text: str) -> None:
        if path in self.secrets:
            raise _Wrong(f"Two secret rows are called “{name}”.")
        if not text and path not in self.stored:
            raise _Wrong(f"Give “{name}” a value.")
        self.secrets[path] = text or self.stored[path]

    def refuse_unknown(self, fields: Sequence[Field], raw: Mapping[str, Any], *, prefix: str) -> None:
        """A name that no declaration has is a typing error that would otherwise be lost in silence."""
        known = {f.name for f in fields}
        for name in raw:
            if name not in known:
                self.errors[f"{prefix}{name}"] = f"There is no setting called “{name}”."


def _value(declared: Field, value: Any) -> Any:
    match declared:
        case Toggle():
            return _toggle(value)
        case _ if _blank(value):
            if declared.required:
                raise _Wrong(_missing(declared))
            return value if value == "" and isinstance(declared, Text) else None
        case Number():
            return _number(declared, value)
        case Select():
            return _choice(declared, value)
        case FileUpload():
            return _file(declared, value)
        case TunnelPicker() | CredentialPicker():
            return _reference(value)
        case Asked():
            return _object(value)
        case Text():
            return _text(declared, value)
    return value


def _blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _missing(declared: Field) -> str:
    verb = "Choose" if isinstance(declared, Select) else "Upload" if isinstance(declared, FileUpload) else "Enter"
    label = declared.label if declared.label.isupper() else declared.label[:1].lower() + declared.label[1:]
    return f"{verb} the {_keep_acronym(declared.label, label)}."


def _keep_acronym(label: str, lowered: str) -> str:
    """Labels that start with an acronym or a brand ("SSL mode", "JavaScript") keep their capitals."""
    return label if any(c.isupper() for c in label.split(" ")[0][1:]) else lowered


def _toggle(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value or "").strip().lower()
    if text in ("", "0", "false", "off", "no"):
        return False
    if text in ("1", "true", "on", "yes"):
        return True
    raise _Wrong("Choose on or off.")


def _number(declared: Number, value: Any) -> int | float:
    if isinstance(value, bool):
        raise _Wrong("Enter a number.")
    try:
        number = float(str(value).strip())
    except ValueError:
        raise _Wrong("Enter a number.") from None
    if not math.isfinite(number):
        raise _Wrong("Enter a number.")
    if declared.whole and number != int(number):
        raise _Wrong("Enter a whole number.")
    low, high = declared.minimum, declared.maximum
    if (low is not None and number < low) or (high is not None and number > high):
        raise _Wrong(_range(low, high, declared.unit))
    return int(number) if declared.whole else number


def _range(low: float | None, high: float | None, unit: str) -> str:
    unit = f" {unit}" if unit else ""
    if high is None:
        return f"Enter {low:,g}{unit} or more."
    if low is None:
        return f"Enter {high:,g}{unit} or less."
    return f"Enter a number from {low:,g} to {high:,g}{unit}."


def _choice(declared: Select, value: Any) -> str:
    text = str(value).strip()
    open_ended = declared.discover or declared.column
    if not open_ended and text not in {c.value for c in declared.choices}:
        raise _Wrong(f"“{text}” is not one of the choices: {', '.join(c.label for c in declared.choices)}.")
    return text


def _reference(value: Any) -> str:
    """The id of a row; whether there is one, the app knows."""
    text = str(value).strip()
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise _Wrong("Choose one of the list.")
    return text


def _object(value: Any) -> dict[str, Any]:
    """A JSON object, of which only the connected system knows more."""
    if not isinstance(value, Mapping):
        raise _Wrong("Give an object of settings.")
    try:
        text = json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        raise _Wrong("Give values that JSON knows.") from None
    if len(text) > MAX_OBJECT:
        raise _Wrong(f"Give at most {MAX_OBJECT:,} characters of JSON.")
    found: dict[str, Any] = json.loads(text)
    return found


def _file(declared: FileUpload, value: Any) -> str:
    text = str(value)
    if "\0" in text:
        raise _Wrong("This is not a text file.")
    if len(text.encode()) > declared.max_bytes:
        raise _Wrong(f"The file is larger than {declared.max_bytes / 1e6:g} MB.")
    return text.strip() + "\n"


def _text(declared: Text, value: Any) -> str:
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise _Wrong("Enter text.")
    text = str(value) if declared.multiline or declared.secret else str(value).strip()
    limit = max(declared.max_length, MAX_SECRET) if declared.secret and declared.multiline else declared.max_length
    if len(text) > limit:
        raise _Wrong(f"Enter at most {limit:,} characters.")
    if "\0" in text or (not declared.multiline and any(c in text for c in "\r\n")):
        raise _Wrong("Enter one line of text.")
    if declared.pattern and not re.fullmatch(declared.pattern, text):
        raise _Wrong(declared.pattern_hint or "This does not have the expected form.")
    if declared.syntax == "json" and not declared.template:
        _check_json(text)
    return text


def _check_json(text: str) -> None:
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        raise _Wrong(f"Not valid JSON: {error.msg} (line {error.lineno}, column {error.colno}).") from None


def _place(whole: dict[str, Any], path: str, value: Any) -> None:
    """Put one secret where it belongs; a path whose section or row is gone is left out."""
    head, _, rest = path.partition(".")
    target = whole.get(head)
    if not rest:
        whole[head] = value
    elif isinstance(target, dict):
        _place(target, rest, value)
    elif isinstance(target, list):
        for row in target:
            if row.get("secret") and row.get("name") == rest:
                row["value"] = value


def _schema_of(declared: Field) -> dict[str, Any]:
    schema: dict[str, Any] = {"title": declared.label, **_type_of(declared)}
    if declared.help:
        schema["description"] = declared.help
    if declared.default is not None and not isinstance(declared, Section):
        schema["default"] = declared.default
    if declared.secret:
        schema["writeOnly"] = True
    return schema


def _type_of(declared: Field) -> dict[str, Any]:
    match declared:
        case Toggle():
            return {"type": "boolean"}
        case Number():
            bounds = {"minimum": declared.minimum, "maximum": declared.maximum}
            kind = "integer" if declared.whole else "number"
            return {"type": kind, **{k: v for k, v in bounds.items() if v is not None}}
        case Select() if declared.choices and not declared.discover:
            return {"type": "string", "enum": [c.value for c in declared.choices]}
        case KeyValues():
            row = {"name": {"type": "string"}, "value": {"type": "string"}, "secret": {"type": "boolean"}}
            return {"type": "array", "items": {"type": "object", "properties": row, "required": ["name"]}}
        case Asked():
            return {"type": "object", "additionalProperties": True}
        case Section():
            nested = json_schema(declared.fields)
            return {**nested, "nullable": True} if declared.optional else nested
        case Text():
            pattern = {"pattern": f"^(?:{declared.pattern})$"} if declared.pattern else {}
            return {"type": "string", "maxLength": declared.max_length, **pattern}
    return {"type": "string"}
