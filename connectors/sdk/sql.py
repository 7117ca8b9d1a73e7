"""Reading, checking and wrapping a model's SQL, for every dialect sqlglot knows.

A model's SQL goes to its source unchanged: it is parsed only to refuse what can
be seen to be no plain query. What the parser does not know is let through; the
source runs it in a read-only session and answers in its own words.

Wrapping treats the model as an opaque subquery named ``_headrace_model``;
everything around it is rendered from sqlglot nodes, so that hostile column or
table names stay names.

Column types chosen by people are not cast here but in Arrow, when the rows are read:
one set of rules for every dialect, and a value that does not fit costs its row
instead of failing the whole query.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlglot
from sqlglot import Token, TokenType, exp
from sqlglot.errors import SqlglotError

from connectors.sdk.errors import QueryError
from connectors.sdk.types import Table

MODEL_ALIAS = "_headrace_model"
COUNT_COLUMN = "row_count"

# Stands for the model's text while the query around it is rendered.
_MARK = "headrace_5f0c1e9d7ab34c62_model"

# sqlglot warns with the whole statement where it falls back to a generic command:
# the SQL of customers does not belong in logs, and check_read_only reports it anyway.
logging.getLogger("sqlglot").setLevel(logging.ERROR)

_WRITES = (exp.DML, exp.DDL, exp.Drop, exp.Alter, exp.TruncateTable, exp.Copy, exp.Grant, exp.Revoke, exp.Comment)
_COMMANDS = (
    exp.Analyze,
    exp.Attach,
    exp.Cache,
    exp.Command,
    exp.Commit,
    exp.Detach,
    exp.Execute,
    exp.Export,
    exp.Install,
    exp.Kill,
    exp.LoadData,
    exp.Pragma,
    exp.Refresh,
    exp.Rollback,
    exp.Set,
    exp.Transaction,
    exp.Uncache,
    exp.Use,
)
# What carries SQL of its own to another server, which may write there. OPENROWSET(BULK …) reads files.
_PASSING = frozenset({"OPENQUERY", "OPENDATASOURCE", "OPENROWSET"})
# Where a subquery takes no WITH of its own, and an ORDER BY only beside an OFFSET.
_NARROW = ("tsql", "fabric")
_HALF_ENDED = re.compile(r"\r(?!\n)")
_OPENING = frozenset({TokenType.L_PAREN})
_CLOSING = frozenset({TokenType.R_PAREN})


@dataclass(frozen=True, slots=True)
class Position:
    """A place in SQL text as people count it: both start at 1."""

    line: int
    column: int

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}"


def locate(sql: str, offset: int) -> Position:
    """Line and column of a 0-based character offset."""
    before = sql[: max(0, offset)]
    return Position(before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)


def check_read_only(sql: str, dialect: str) -> None:
    """Refuse SQL that visibly is anything but one query.

    Raises :class:`QueryError` with the offset; its message names line and column.
    """
    if not sql.strip():
        raise QueryError("The query is empty.", position=0, hint="Write a SELECT statement.")
    tokens = _tokens(sql, dialect)
    if tokens is None:
        return
    _check_single(sql, tokens)
    _check_parentheses(sql, tokens)
    _check_comments(sql, tokens)
    if dialect in _NARROW:
        _check_passing(sql, tokens)
    statement = _parse(sql, dialect)
    if statement is not None:
        _check_statement(sql, statement, tokens)


def select_columns(
    sql: str,
    columns: Sequence[str],
    dialect: str,
    reads: Mapping[str, exp.Expr] | None = None,
    where: exp.Expr | None = None,
) -> str:
    """The model's rows with these columns only, in this order.

    ``reads`` replaces how single columns are read (the source's own casts); the
    column keeps its name. ``where`` is a condition on the model's columns.
    """
    reads = reads or {}
    projections: list[exp.Expr] = []
    for name in columns:
        read = reads.get(name)
        projections.append(quoted_column(name) if read is None else exp.alias_(read, name, quoted=True))
    return select_from(sql, exp.select(*projections).where(where), dialect)


def count_rows(sql: str, dialect: str) -> str:
    """How many rows the model returns, as the single column ``row_count``."""
    count = exp.alias_(exp.Count(this=exp.Star()), COUNT_COLUMN, quoted=True)
    return select_from(sql, exp.select(count), dialect)


def limit_rows(sql: str, rows: int, dialect: str) -> str:
    """The model's first rows; an ORDER BY inside still decides which."""
    return select_from(sql, exp.select(exp.Star()).limit(rows), dialect)


def table_sql(table: Table, dialect: str) -> str:
    """``SELECT *`` over a table: the SQL of a model made with the table selector."""
    source = exp.Table(
        this=exp.to_identifier(table.name, quoted=True),
        db=exp.to_identifier(table.schema, quoted=True) if table.schema else None,
    )
    return exp.select(exp.Star()).from_(source).sql(dialect=dialect)


def quoted_column(name: str) -> exp.Column:
    """A column as a node, its name quoted."""
    return exp.column(exp.to_identifier(name, quoted=True))


def bare(sql: str, dialect: str) -> str:
    """The SQL without the semicolons around it, so that it can stand inside another query."""
    tokens = _tokens(sql, dialect)
    if tokens is None:
        return sql.rstrip().rstrip(";")
    own = [i for i, token in enumerate(tokens) if token.token_type != TokenType.SEMICOLON]
    if not own:
        return sql
    first, last = own[0], own[-1]
    start = tokens[first - 1].end + 1 if first > 0 else 0
    end = tokens[last + 1].start if last + 1 < len(tokens) else len(sql)
    return sql[start:end]


def select_from(sql: str, outer: exp.Select, dialect: str) -> str:
    """Render ``outer`` over the model (as :data:`MODEL_ALIAS`), whose own text goes in untouched.

    The line breaks keep a comment at the model's end from swallowing the bracket.
    """
    mark, around = _MARK, outer.sql(dialect=dialect)
    while mark in around:  # somebody named a column so, or has such a value
        mark += "_"
    source = exp.alias_(exp.table_(mark), MODEL_ALIAS, quoted=True, table=True)
    head, _, tail = outer.from_(source).sql(dialect=dialect).partition(mark)
    lead, body = _fitted(bare(sql, dialect), dialect) if dialect in _NARROW else ("", bare(sql, dialect))
    return f"{lead}{head}(\n{body}\n){tail}"


def _fitted(sql: str, dialect: str) -> tuple[str, str]:
    """The model's common tables, which have to lead the whole query, and the rest so that it can be a subquery."""
    tokens = _tokens(sql, dialect) or []
    start = _after_common_tables(tokens)
    rest = tokens[min(start, len(tokens)) :]
    lead, body = (sql[: rest[0].start], sql[rest[0].start :]) if start and rest else ("", sql)
    outer = [token.token_type for token, depth in zip(rest, _depths(rest), strict=True) if not depth]
    sorts = TokenType.ORDER_BY in outer
    fitting = {TokenType.TOP, TokenType.OFFSET, TokenType.FOR} & set(outer)
    return lead, f"{body}\nOFFSET 0 ROWS" if sorts and not fitting else body


def _after_common_tables(tokens: Sequence[Token]) -> int:
    """How many tokens ``WITH a AS (…), b (x) AS (…)`` takes at the beginning; 0 where it cannot be told."""
    kinds = [token.token_type for token in tokens] + [TokenType.SEMICOLON] * 4
    if kinds[0] != TokenType.WITH:
        return 0
    closing = _closing(tokens)
    place = 0
    while True:
        place += 2
        if kinds[place] == TokenType.L_PAREN:
            place = closing.get(place, len(tokens)) + 1
        if kinds[place : place + 2] != [TokenType.ALIAS, TokenType.L_PAREN]:
            return 0
        place = closing.get(place + 1, len(tokens)) + 1
        if kinds[place] != TokenType.COMMA:
            return place


def _closing(tokens: Sequence[Token]) -> dict[int, int]:
    """Where each parenthesis is closed."""
    opened: list[int] = []
    found = {}
    for place, token in enumerate(tokens):
        if token.token_type in _OPENING:
            opened.append(place)
        elif token.token_type in _CLOSING and opened:
            found[opened.pop()] = place
    return found


def _depths(tokens: Sequence[Token]) -> list[int]:
    """How many parentheses are open around each token; a closing one counts as outside of its own."""
    depths, depth = [], 0
    for token in tokens:
        depth -= token.token_type in _CLOSING
        depths.append(depth)
        depth += token.token_type in _OPENING
    return depths


def _tokens(sql: str, dialect: str) -> list[Token] | None:
    """The tokens without comments, or ``None`` where the tokenizer gives up."""
    try:
        return list(sqlglot.tokenize(sql, read=dialect))
    except SqlglotError:
        return None


def _parse(sql: str, dialect: str) -> exp.Expr | None:
    """The one statement as a tree, or ``None`` where the parser does not know it."""
    try:
        trees = sqlglot.parse(sql, read=dialect)
    except (SqlglotError, RecursionError):
        return None
    return next((tree for tree in trees if tree is not None and not isinstance(tree, exp.Semicolon)), None)


def _check_single(sql: str, tokens: Sequence[Token]) -> None:
    started = ended = False
    for token in tokens:
        if token.token_type == TokenType.SEMICOLON:
            ended = ended or started
        elif ended:
            raise _refused(sql, token.start, "Only one statement is allowed, and here a second one begins.")
        else:
            started = True
    if not started:
        raise QueryError("The query holds no statement.", position=0, hint="Write a SELECT statement.")


def _check_parentheses(sql: str, tokens: Sequence[Token]) -> None:
    """A model that closes more than it opens would break out of the query around it."""
    depth = 0
    for token in tokens:
        depth += (token.token_type in _OPENING) - (token.token_type in _CLOSING)
        if depth < 0:
            raise _refused(sql, token.start, "This closing parenthesis has no opening one.")
    if depth > 0:
        raise _refused(sql, tokens[-1].start, "The query ends before all parentheses are closed.")


def _check_comments(sql: str, tokens: Sequence[Token]) -> None:
    """Here a carriage return ends a comment, for some servers only a line feed does: what follows, a parenthesis too,
    would be part of the query here and none there."""
    ends = [0, *(token.end + 1 for token in tokens)]
    starts = [*(token.start for token in tokens), len(sql)]
    for end, start in zip(ends, starts, strict=True):
        found = _HALF_ENDED.search(sql, end, start)
        if found and sql[end:start].strip():
            raise _refused(sql, found.start(), "A line beside a comment ends with a carriage return, but no line feed.")


def _check_passing(sql: str, tokens: Sequence[Token]) -> None:
    """SQL in quotes that another server runs cannot be seen through."""
    for token, opening, first in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if opening.token_type != TokenType.L_PAREN or token.text.upper() not in _PASSING:
            continue
        if not (token.text.upper() == "OPENROWSET" and first.text.upper() == "BULK"):
            raise _refused(sql, token.start, f"{token.text.upper()} has another server run SQL, which may write.")


def _check_statement(sql: str, statement: exp.Expr, tokens: Sequence[Token]) -> None:
    first = next(t for t in tokens if t.token_type != TokenType.SEMICOLON)
    if not isinstance(statement, exp.Query) and isinstance(statement, (*_WRITES, *_COMMANDS)):
        kind = "changes data or structure" if isinstance(statement, _WRITES) else "is a command, not a query"
        raise _refused(sql, first.start, f"{first.text.upper()} {kind}.")
    for node in statement.walk():
        if isinstance(node, exp.Query):
            continue
        if isinstance(node, _WRITES):
            word = node.key.upper()
            raise _refused(sql, _offset(tokens, word, after="("), f"{word} inside a query changes data.")
        if isinstance(node, exp.Into):
            raise _refused(sql, _offset(tokens, "INTO"), "SELECT … INTO creates a table.")
        if isinstance(node, exp.Lock):
            raise _refused(sql, _offset(tokens, "FOR"), "This locks rows: a model only reads.")


def _offset(tokens: Sequence[Token], word: str, *, after: str = "") -> int:
    """Where a keyword stands: preferably behind ``after``, so that a column of that name is not meant."""
    places = [i for i, token in enumerate(tokens) if token.text.upper() == word and token.token_type.name != "STRING"]
    behind = [i for i in places if after and i > 0 and tokens[i - 1].text == after]
    chosen = (behind or places or [0])[0]
    return int(tokens[chosen].start)


def _refused(sql: str, offset: int, reason: str) -> QueryError:
    place = str(locate(sql, offset))
    return QueryError(
        f"{place.capitalize()}: {reason}",
        position=offset,
        hint="A model is a single query that only reads, such as SELECT … FROM ….",
    )
