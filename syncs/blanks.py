"""What a pattern for syncs leaves for somebody to fill in: required parts that are open and were not given."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from connectors.sdk.validation import is_blank
from syncs.locks import OTHER_FIELDS
from syncs.mappings import Problems

_SETTING = "settings."


class Blanks:
    """Takes from what is wrong with a configuration what may be missing, as its part is among the ``open`` ones.

    ``left`` are the parts (paths as in :mod:`syncs.locks`) that were found missing. Without open parts nothing may be.
    """

    def __init__(self, open_parts: Collection[str] = ()) -> None:
        self._open = frozenset(open_parts)
        self.left: list[str] = []

    @property
    def may_be(self) -> bool:
        """Whether anything may be left blank."""
        return bool(self._open)

    @property
    def some(self) -> bool:
        """Whether something was left blank."""
        return bool(self.left)

    def take_settings(self, given: Mapping[str, Any], wrong: Mapping[str, str]) -> dict[str, str]:
        """The problems that stay: not those of open settings for which nothing was given."""
        stay = {}
        for path, message in wrong.items():
            part = _SETTING + path.partition(".")[0]
            if part in self._open and is_blank(given, path):
                self._note(part)
            else:
                stay[path] = message
        return stay

    def take_mapping(self, problems: Problems) -> None:
        """Fields that have to be mapped, and what finds the records, may be left to who may add fields."""
        for path in ("mappings", "identifier"):
            message = problems.fields.get(path)
            if message is None:
                continue
            if OTHER_FIELDS in self._open:
                del problems.fields[path]
                self._note(OTHER_FIELDS)
            elif self.some:
                problems.fields[path] = (
                    f"{message} Where the fields depend on what is left blank, unlock further fields."
                )

    def _note(self, part: str) -> None:
        if part not in self.left:
            self.left.append(part)
