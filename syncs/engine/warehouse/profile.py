"""How one system does what the warehouse planner needs, and the ways in which rows become digests."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from sqlglot import exp

from connectors.sdk.types import Column, ColumnType

_PARAMETERS = re.compile(r"\([^)]*\)")
Text = Callable[[exp.Expr], exp.Expr]
Parse = Callable[[exp.Expr, str], exp.Expr]  # of a text and a native type
T = TypeVar("T")
RowDigest = Callable[[Sequence[exp.Expr]], exp.Expr]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """How one system does what the planner needs.

    ``texts`` turns values of some types into text where a plain cast would lose
    something or depend on the session; its keys are native types without parameters,
    or their first word, or column types; ``stored`` does so where a table cannot hold a type, or not as it
    is, ``restored`` undoes that, and ``parsed`` makes values of texts where no cast does. ``digest`` makes a
    row's value from its columns' texts. ``collate`` makes text compare byte by byte. ``create`` is how a
    table is made of a query, with ``properties`` or ``table_options`` (see
    :class:`~connectors.sdk.planner.Statement`). ``session`` are the
    settings that a session needs. ``identifier`` is the longest name, in bytes.
    ``casts_truth`` whether booleans can be cast to text.
    """

    name: str
    title: str
    dialect: str
    recipe: str
    digest: RowDigest
    digest_type: str = "TEXT"
    text_type: str = "TEXT"
    texts: Mapping[str, Text] = field(default_factory=dict)
    stored: Mapping[str, Text] = field(default_factory=dict)
    parsed: Mapping[str, Parse] = field(default_factory=dict)
    restored: Mapping[str, Text] = field(default_factory=dict)
    collate: Text = lambda text: text
    create: str = "CREATE TABLE … AS"
    properties: Callable[[], exp.Properties | None] = lambda: None
    table_options: str | None = None
    session: tuple[str, ...] = ()
    identifier: int = 127
    transactions: bool = True
    try_cast: bool = True
    casts_truth: bool = True
    run_on: str = ""  # what the statements were executed on; empty where only generated and parsed
    notes: tuple[str, ...] = ()

    def text(self, value: exp.Expr, column: Column) -> exp.Expr:
        """The value as text that no two different values of its type share."""
        made = _of_type(self.texts, column)
        return made(value) if made else self.plain_text(value, column)

    def kept(self, value: exp.Expr, column: Column) -> exp.Expr:
        """The value as a table of Headrace's can hold it."""
        made = _of_type(self.stored, column)
        return made(value) if made else value

    def restore(self, value: exp.Expr, column: Column) -> exp.Expr:
        """What :meth:`kept` kept of a column, as the column's value."""
        made = _of_type(self.restored, column)
        return made(value) if made else value

    def parsing(self, column: Column) -> Parse | None:
        """What makes a value of the column's type of its text, where a cast does not."""
        return _of_type(self.parsed, column)

    def plain_text(self, value: exp.Expr, column: Column | None = None) -> exp.Expr:
        """The value cast to text."""
        if column is not None and column.type is ColumnType.BOOLEAN and not self.casts_truth:
            return exp.case().when(value, "'true'").when(exp.not_(value.copy()), "'false'")
        return exp.cast(value, self.text_type, dialect=self.dialect)

    def key(self, value: exp.Expr, column: Column) -> exp.Expr:
        """A primary key as text that compares byte by byte."""
        return self.collate(self.text(value, column))

    def row_digest(self, values: Sequence[tuple[exp.Expr, Column]]) -> exp.Expr:
        """What changes when any of the values changes."""
        return self.digest([self.text(value, column) for value, column in values] or [exp.Literal.string("")])


def _of_type(made: Mapping[str, T], column: Column) -> T | None:
    native = _PARAMETERS.sub("", column.native_type).lower().strip()
    first = re.split(r"[ <]", native, maxsplit=1)[0]
    return made.get(native) or made.get(first) or made.get(column.type.value)


def framed(digest: Text, *, length: Callable[[exp.Expr], exp.Expr] | None = None, text_type: str = "TEXT") -> RowDigest:
    """Texts with their lengths in front, so that they cannot run into each other; null has a sign of its own."""

    def of(texts: Sequence[exp.Expr]) -> exp.Expr:
        measured = length or (lambda text: exp.Length(this=text))
        return digest(_joined([_framed(text, measured(text.copy()), text_type) for text in texts]))

    return of


def digest_of_digests(digest: Text) -> RowDigest:
    """A digest of the columns' digests, for systems whose texts may not grow without limit."""
    return lambda texts: digest(
        _joined([exp.func("coalesce", digest(text), exp.Literal.string("~")) for text in texts])
    )


def _framed(text: exp.Expr, length: exp.Expr, text_type: str) -> exp.Expr:
    count = exp.cast(length, text_type)
    return exp.func("coalesce", _joined([count, exp.Literal.string(":"), text]), exp.Literal.string("~"))


def _joined(texts: Sequence[exp.Expr]) -> exp.Expr:
    joined = texts[0]
    for text in texts[1:]:
        joined = exp.DPipe(this=joined, expression=text, safe=False)
    return joined
