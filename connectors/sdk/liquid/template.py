"""Liquid templates: parsed once, rendered per row, bounded, with typed results."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from difflib import get_close_matches
from functools import lru_cache
from io import StringIO
from typing import Any, ClassVar, TextIO

from liquid import BoundTemplate, Environment, RenderContext
from liquid.builtin.output import Output, OutputNode
from liquid.exceptions import LiquidError, OutputStreamLimitError, ResourceLimitError
from liquid.stringify import to_liquid_string
from liquid.undefined import is_undefined

from connectors.sdk.destination import RowResult, rejected
from connectors.sdk.errors import ConfigError, ConnectorError
from connectors.sdk.liquid.direct import Column, ManyRows, OneRow, Rows, direct
from connectors.sdk.liquid.filters import FILTERS, MOST_CHARS, Refused
from connectors.sdk.liquid.limits import MOST_ITEMS, bounded, check_clock, start_clock
from connectors.sdk.rows import decimal_text, dumps

# Rows that are rendered together: where one of them is out of the ordinary, only so many are rendered one by one.
_TOGETHER = 500
_RESERVED = frozenset({"row", "rows", "context", "forloop", "tablerowloop", "nil", "null", "empty", "blank"})


class TemplateError(ConnectorError):
    """A template could not be rendered for this row: a filter refused the value, or a limit was reached."""

    code = "template_rejected"

    def result(self, field: str = "") -> RowResult:
        """The row's outcome, naming the field that the template fills."""
        return rejected(self.message, code=self.code, field=field)


class Template:
    """A parsed template. Equal sources share one parse; rendering is safe from several threads.

    Inside, ``row`` is the row (``row.column`` or ``row['a column']``), bare names are
    columns too, ``rows`` is a batch, and ``context`` holds the run's variables.
    A column that does not exist renders as nothing; see :meth:`require`. ``row_columns``
    are those named as ``row.column``, ``columns`` all, bare names too.
    """

    def __init__(self, source: str, bound: BoundTemplate) -> None:
        self.source = source
        self._bound = bound
        self._direct = direct(bound, _ENVIRONMENT)
        names = bound.analyze(include_partials=False)
        paths = [v.segments for found in names.variables.values() for v in found]
        self.filters = frozenset(names.filters)
        self.row_columns = _row_columns(paths)
        bare = frozenset(names.globals) - _RESERVED
        self._bare = bool(bare)
        whole_row = any(p[0] == "row" and (len(p) == 1 or not isinstance(p[1], str)) for p in paths)
        dynamic = whole_row or "rows" in names.globals
        self.columns: frozenset[str] | None = None if dynamic else self.row_columns | bare

    @property
    def static(self) -> bool:
        """Whether the template renders the same whatever the row."""
        return self.columns == frozenset() and "{" not in self.source

    def require(self, columns: Iterable[str]) -> None:
        """Raise ``ConfigError`` where the template names a ``row.column`` that is not among ``columns``."""
        if missing := sorted(self.row_columns - set(columns)):
            raise ConfigError(
                f"Unknown field name “{missing[0]}” in a template: the model does not return it.",
                hint="The model no longer has this column, or its name is spelled differently.",
            )

    @property
    def plain(self) -> bool:
        """Whether the template is so plain that many rows are rendered together."""
        return self._direct is not None

    def render(self, variables: Mapping[str, Any]) -> str:
        """The template's text for these variables (see :func:`row_variables`)."""
        return _text(self._made(variables))

    def evaluate(self, variables: Mapping[str, Any]) -> Any:
        """The value of a template that is one expression, with its type; of any other, its text."""
        return _value(self._made(variables))

    def evaluate_rows(
        self, columns: Mapping[str, Column], count: int, context: Mapping[str, Any], *, as_text: bool = False
    ) -> Iterator[Any]:
        """As :meth:`evaluate` (or :meth:`render`) for ``count`` rows, given by the columns that the template names.

        Instead of the value of a row that the template refuses comes the :class:`TemplateError` that says why.
        """
        finish = _text if as_text else _value
        for start in range(0, count, _TOGETHER):
            stop = min(start + _TOGETHER, count)
            pieces = {name: values[start:stop] for name, values in columns.items()}
            rows = ManyRows(pieces, context, stop - start)
            together = self._together(rows)
            if together is not None and set(map(type, together)) == {str}:
                yield from together
                continue
            made: Iterable[_Made | TemplateError] = self._one_by_one(rows) if together is None else together
            for each in made:
                yield each if isinstance(each, str | TemplateError) else finish(each)

    def row_variables(self, row: Mapping[str, Any], context: Mapping[str, Any]) -> dict[str, Any]:
        """Variables for one row."""
        variables: dict[str, Any] = dict(row) if self._bare else {}
        variables["row"] = row
        variables["context"] = context
        return variables

    def _made(self, variables: Mapping[str, Any]) -> _Made:
        made = self._together(OneRow(variables))
        return made[0] if made is not None else self._run(variables)

    def _together(self, rows: Rows) -> Sequence[_Made] | None:
        """What the parts of a plain template make of all rows; nothing where some row is out of the ordinary."""
        with suppress(Exception):  # whatever it was, the engine meets it too, and says it in its own words
            if self._direct is not None:
                start_clock()
                return _whole([[p] * len(rows) if isinstance(p, str) else p(rows) for p in self._direct])
        return None

    def _one_by_one(self, rows: ManyRows) -> Iterator[_Made | TemplateError]:
        for row in rows.rows():
            try:
                yield self._made(self.row_variables(row, rows.context))
            except TemplateError as error:
                yield error

    def _run(self, variables: Mapping[str, Any]) -> _Parts:
        parts = _Parts()
        start_clock()
        try:
            self._bound.render_with_context(_Context(self._bound, globals=variables), parts)
        except ResourceLimitError as error:
            raise TemplateError(
                f"The template does too much work for one row: {error.args[0]}.",
                hint="Shorten its loops or its output.",
            ) from error
        except LiquidError as error:
            raise TemplateError(_words(error)) from error
        except (ArithmeticError, ValueError, TypeError, RecursionError, MemoryError) as error:
            raise TemplateError(f"The template failed: {error}") from error
        return parts


def _whole(columns: Sequence[Column]) -> Sequence[_Made]:
    """The parts of plain templates put together, row by row."""
    if all(set(map(type, column)) == {str} for column in columns):
        texts = columns[0] if len(columns) == 1 else ["".join(parts) for parts in zip(*columns, strict=True)]
        if max(map(len, texts)) <= MOST_CHARS:
            return texts
    return [_of_parts(parts) for parts in zip(*columns, strict=True)]


def _of_parts(made: Sequence[Any]) -> _Made:
    if len(made) == 1 and not isinstance(made[0], str):
        return _Value(None if is_undefined(made[0]) else made[0])
    parts = _Parts()
    for part in made:
        if isinstance(part, str):
            parts.write(part)
        else:
            parts.put(None if is_undefined(part) else part)
    return parts


def _text(made: _Made) -> str:
    return made if isinstance(made, str) else made.text()


def _value(made: _Made) -> Any:
    return made if isinstance(made, str) else made.value


def row_variables(row: Mapping[str, Any], context: Mapping[str, Any]) -> dict[str, Any]:
    """Variables for one row, for any template."""
    return {**row, "row": row, "context": context}


def batch_variables(rows: Sequence[Mapping[str, Any]], context: Mapping[str, Any]) -> dict[str, Any]:
    """Variables for a request that carries several rows."""
    return {"rows": rows, "context": context}


@lru_cache(maxsize=2048)
def compile_template(source: str) -> Template:
    """Parse a template; raises ``ConfigError`` with line and column where it is not valid."""
    try:
        template = Template(source, _ENVIRONMENT.from_string(source))
    except LiquidError as error:
        raise ConfigError(f"The template is not valid: {_words(error, source)}") from error
    if unknown := sorted(template.filters - set(_ENVIRONMENT.filters)):
        near = get_close_matches(unknown[0], _ENVIRONMENT.filters, n=1)
        raise ConfigError(
            f"The template uses a filter “{unknown[0]}” that does not exist.",
            hint=f"Did you mean “{near[0]}”?" if near else "See the list of filters beside the editor.",
        )
    return template


def compile_value(source: str) -> Template:
    """Parse a template that fills one field: blank space around it does not count."""
    return compile_template(source.strip())


def _row_columns(paths: Sequence[Sequence[Any]]) -> frozenset[str]:
    return frozenset(p[1] for p in paths if len(p) > 1 and p[0] == "row" and isinstance(p[1], str))


def _words(error: LiquidError, source: str = "") -> str:
    """The error's message with its place; where it has none, the template's end is what came too early."""
    if isinstance(error, Refused):
        return str(error.args[0])
    text = str(error.args[0]) if error.args else type(error).__name__
    if "__init__()" in text:  # the library trips over its own error for some wrong arguments
        text = "a filter was given a value it cannot work with"
    try:
        position = error.context()
    except Exception:  # the position is a courtesy; a broken token must not hide the message
        position = None
    if position is None and source:
        lines = source.split("\n")
        position = (len(lines), len(lines[-1]), "", "", "")
    return f"{text} (line {position[0]}, column {position[1] + 1})" if position else text


class _Parts(StringIO):
    """What a template wrote: text, and values that are not yet text."""

    def __init__(self, size: int = 0) -> None:
        super().__init__()
        self._parts: list[Any] = []
        self._typed = False
        self.size = size

    def write(self, text: str) -> int:
        self._count(len(text))
        self._parts.append(text)
        return len(text)

    def put(self, value: Any) -> int:
        """Take a value that is not text; of several, all become text in the end."""
        if self._typed and isinstance(value, list | dict):
            check_clock()
            self._count(len(liquid_text(value)))
        self._typed = True
        self._parts.append(_Value(value))
        return 1

    def _count(self, chars: int) -> None:
        self.size += chars
        if self.size > MOST_CHARS:
            raise OutputStreamLimitError("output limit reached", token=None)

    def getvalue(self) -> str:
        return self.text()

    def text(self) -> str:
        """All that was written."""
        return "".join(p.text() if isinstance(p, _Value) else p for p in self._parts)

    @property
    def value(self) -> Any:
        """The only value written, where everything around it is blank; else the text."""
        if self._typed:
            kept = [p for p in self._parts if isinstance(p, _Value) or p.strip()]
            if len(kept) == 1:
                return kept[0].value
        return self.text()


class _Value:
    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def text(self) -> str:
        return liquid_text(self.value)


# What a template made of one row.
_Made = str | _Parts | _Value


def liquid_text(value: Any) -> str:
    """How a value shows inside text: decimals in full, objects as JSON, null as nothing."""
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, dict):
        return dumps(value).decode()
    if isinstance(value, list):
        return "".join(liquid_text(v) for v in value)
    return to_liquid_string(value, autoescape=False)


class _OutputNode(OutputNode):
    """An output that keeps its value's type where it goes straight to the result."""

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        value = self.expression.evaluate(context)
        if isinstance(value, str):
            return buffer.write(value)
        if is_undefined(value):
            value = None
        if isinstance(buffer, _Parts):
            return buffer.put(value)
        return buffer.write(liquid_text(value))


class _Output(Output):
    node_class = _OutputNode


class _Context(RenderContext):
    def get_buffer(self, buf: TextIO | None = None) -> StringIO:
        return _Parts(buf.size if isinstance(buf, _Parts) else 0)


class _Environment(Environment):
    """Limits that keep one row's template from holding a worker."""

    loop_iteration_limit: ClassVar[int | None] = MOST_ITEMS
    local_namespace_limit: ClassVar[int | None] = 50_000_000

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        super().setup_tags_and_filters(extra=extra)
        self.add_tag(_Output)
        for name in ("include", "render"):
            del self.tags[name]
        self.filters.update(FILTERS)
        self.filters = {name: bounded(name, call) for name, call in self.filters.items()}


_ENVIRONMENT = _Environment()
FILTER_NAMES = frozenset(_ENVIRONMENT.filters)
