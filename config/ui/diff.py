"""Differences of two texts, JSON values or field sets as lines that one template draws."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

# Unchanged lines kept in sight on each side of a change; longer stretches fold.
CONTEXT_LINES = 3
MAX_LINES = 5_000
_WORD = re.compile(r"\w+|\s+|[^\w\s]")

Mark = Literal["same", "removed", "added"]


@dataclass(frozen=True)
class Line:
    """One line of one side; ``html`` is escaped and marks the words that differ."""

    mark: Mark
    html: SafeString

    @property
    def sign(self) -> str:
        """What stands before the line, so that red and green are never the only sign."""
        return {"same": " ", "removed": "−", "added": "+"}[self.mark]


@dataclass(frozen=True)
class Block:
    """A stretch of lines; a folded one starts closed."""

    lines: tuple[Line, ...]
    folded: bool = False


@dataclass(frozen=True)
class Diff:
    """Blocks in order, and how many lines each side has that the other has not."""

    blocks: tuple[Block, ...]
    added: int
    removed: int

    @property
    def changed(self) -> bool:
        """Whether there is any difference at all."""
        return bool(self.added or self.removed)


@dataclass(frozen=True)
class FieldChange:
    """One field before and after; ``None`` stands for a side on which the field is missing."""

    name: str
    before: str | None
    after: str | None

    @property
    def mark(self) -> str:
        """Added, removed, changed or same."""
        if self.before is None:
            return "added"
        if self.after is None:
            return "removed"
        return "same" if self.before == self.after else "changed"


def as_text(value: Any) -> str:
    """A value as the text that is compared: strings as they are, everything else as sorted, indented JSON."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, default=str)


def diff_of(before: Any, after: Any) -> Diff:
    """Compare two values line by line, and the words inside lines that replace each other."""
    old, new = as_text(before).splitlines()[:MAX_LINES], as_text(after).splitlines()[:MAX_LINES]
    blocks: list[Block] = []
    added = removed = 0
    opcodes = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    for position, (tag, i1, i2, j1, j2) in enumerate(opcodes):
        if tag == "equal":
            blocks += _fold(old[i1:i2], first=position == 0, last=position == len(opcodes) - 1)
            continue
        blocks.append(Block(tuple(_changed(old[i1:i2], new[j1:j2]))))
        removed += i2 - i1
        added += j2 - j1
    return Diff(tuple(blocks), added, removed)


def field_changes(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> list[FieldChange]:
    """Compare two flat sets of named values, in the order of the names, unchanged ones left out."""
    old, new = before or {}, after or {}
    names = sorted({*old, *new})
    changes = [
        FieldChange(name, _shown(old[name]) if name in old else None, _shown(new[name]) if name in new else None)
        for name in names
    ]
    return [change for change in changes if change.mark != "same"]


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _same(lines: Iterable[str]) -> tuple[Line, ...]:
    return tuple(Line("same", escape(line)) for line in lines)


def _fold(lines: list[str], *, first: bool, last: bool) -> list[Block]:
    head = 0 if first else CONTEXT_LINES
    tail = 0 if last else CONTEXT_LINES
    if len(lines) <= head + tail + 1:
        return [Block(_same(lines))]
    middle_end = len(lines) - tail
    parts = [
        Block(_same(lines[:head])),
        Block(_same(lines[head:middle_end]), folded=True),
        Block(_same(lines[middle_end:])),
    ]
    return [part for part in parts if part.lines]


def _changed(old: list[str], new: list[str]) -> Iterable[Line]:
    """Removed lines, then added ones; as many as pair up show which words differ."""
    pairs = [_words(a, b) for a, b in zip(old, new, strict=False)]
    yield from (Line("removed", pair[0]) for pair in pairs)
    yield from (Line("removed", escape(line)) for line in old[len(pairs) :])
    yield from (Line("added", pair[1]) for pair in pairs)
    yield from (Line("added", escape(line)) for line in new[len(pairs) :])


def _words(old: str, new: str) -> tuple[SafeString, SafeString]:
    a, b = _WORD.findall(old), _WORD.findall(new)
    matcher = difflib.SequenceMatcher(None, a, b, autojunk=False)
    if matcher.ratio() < 0.4:
        return escape(old), escape(new)
    left, right = "", ""
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        gone, come = "".join(a[i1:i2]), "".join(b[j1:j2])
        left += escape(gone) if tag == "equal" else format_html("<del>{}</del>", gone) if gone else ""
        right += escape(come) if tag == "equal" else format_html("<ins>{}</ins>", come) if come else ""
    return mark_safe(left), mark_safe(right)  # noqa: S308  every part is escaped above
