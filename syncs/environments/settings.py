"""A sync's settings in another workspace: what they name at the destination, and credentials that are entered there."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from config.errors import HeadraceError
from connectors import discovery
from connectors.models import Destination
from connectors.sdk.destination import SyncType
from connectors.sdk.fields import Field, Section, Select
from connectors.secrets import decrypt
from governance.environments.registry import Aim, Question
from syncs.models import Sync

CREDENTIAL = "credential."
SETTING = "setting."
GIVEN = "••••"


@dataclass(slots=True)
class SettingsThere:
    """Settings as they would be there. ``credentials`` are those stored there and those just entered."""

    values: dict[str, Any] = field(default_factory=dict)
    credentials: dict[str, Any] = field(default_factory=dict, repr=False)
    entered: bool = False
    questions: list[Question] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    remapped: dict[str, Any] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether nothing is left to ask."""
        return all(question.value for question in self.questions)


def settings_there(kind: SyncType, destination: Destination, current: Sync | None, aim: Aim) -> SettingsThere:
    """The settings with what they pick at the destination checked there, and replaced where a person said by what."""
    found = SettingsThere(values=copy.deepcopy(dict(aim.captured["settings"])))
    for path, label, declared, level in _pickers(kind.settings, found.values):
        _remap(found, path, label, declared, level, destination, aim)
    _ask_credentials(found, kind, current, aim)
    return found


def _pickers(
    fields: Sequence[Field], values: dict[str, Any], prefix: str = "", heading: str = ""
) -> Iterator[tuple[str, str, Select, dict[str, Any]]]:
    """Each setting that picks something at the destination and is set: path, label, declaration, and its level."""
    for declared in fields:
        path, value = f"{prefix}{declared.name}", values.get(declared.name)
        label = f"{heading}{declared.label}"
        if isinstance(declared, Section) and isinstance(value, dict):
            yield from _pickers(declared.fields, value, f"{path}.", f"{declared.label}: ")
        elif isinstance(declared, Select) and declared.discover and value not in (None, ""):
            yield path, label, declared, values


def _remap(
    found: SettingsThere,
    path: str,
    label: str,
    declared: Select,
    level: dict[str, Any],
    destination: Destination,
    aim: Aim,
) -> None:
    value = level[declared.name]
    try:
        offered = discovery.choices(destination, declared, level)
    except HeadraceError as error:
        found.warnings.append(f"“{destination}” could not be asked for “{label}”: {error.message}")
        return
    names = {choice.value: choice.label for choice in offered}
    before = aim.remapped.get(path, {})
    usual = before["to"] if before.get("from") == value else value
    chosen = aim.answers.get(SETTING + path, usual)
    chosen = chosen if chosen in names else ""
    if not names:
        found.warnings.append(f"“{destination}” offers nothing to choose from for “{label}”; “{value}” is kept.")
        return
    gone = "" if value in names else f" “{destination}” has no such thing."
    found.questions.append(
        Question(
            path=SETTING + path,
            label=label,
            help=f"“{value}” here.{gone}",
            choices=tuple(names.items()),
            value=chosen,
        )
    )
    level[declared.name] = chosen or value
    if chosen and chosen != value:
        found.remapped[path] = {"from": value, "to": chosen}


def _ask_credentials(found: SettingsThere, kind: SyncType, current: Sync | None, aim: Aim) -> None:
    """Credentials never travel: those that the sync there has stay, the others are entered."""
    stored = decrypt(current.sealed_settings) if current else {}
    found.credentials = {path: stored[path] for path in stored if path in aim.captured["credentials"]}
    labels = _labels(kind.settings)
    for path in aim.captured["credentials"]:
        answer = aim.answers.get(CREDENTIAL + path, "")
        if answer:
            found.credentials[path] = answer
            found.entered = True
        if path not in stored:
            head = path.rpartition(".")
            label = labels.get(path) or f"{labels.get(head[0], head[0])}: {head[2]}"
            help_text = "Credentials are never copied: enter the one for that workspace."
            given = GIVEN if answer else ""
            found.questions.append(Question(CREDENTIAL + path, label, help_text, secret=True, value=given))


def _labels(fields: Sequence[Field], prefix: str = "", heading: str = "") -> Mapping[str, str]:
    """Path → label of every declared setting."""
    found: dict[str, str] = {}
    for declared in fields:
        path, label = f"{prefix}{declared.name}", f"{heading}{declared.label}"
        found[path] = label
        if isinstance(declared, Section):
            found |= _labels(declared.fields, f"{path}.", f"{label}: ")
    return found
