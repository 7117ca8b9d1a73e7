"""Values that people paste or upload: one a line, or several between commas, semicolons or tabs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

from config.errors import Invalid

MOST = 100_000
LONGEST = 1_000
MOST_BYTES = 20_000_000


def values_of_file(content: bytes) -> list[str]:
    """The different values in a text file. Raises :class:`Invalid`, about ``file``."""
    if len(content) > MOST_BYTES:
        raise Invalid.field("file", f"The file is larger than {MOST_BYTES // 1_000_000} MB.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Invalid.field("file", "This is not a text file in UTF-8: save it as CSV (UTF-8) or as text.") from None
    return values_of_text(text, field="file")


def values_of_text(text: str, *, field: str = "values") -> list[str]:
    """The different values in a text. Raises :class:`Invalid`, about ``field``."""
    return checked_values(_written(text), field=field)


def checked_values(values: Iterable[str], *, field: str = "values") -> list[str]:
    """Values without spaces around them, each once, in their order. Raises :class:`Invalid`, about ``field``."""
    found: dict[str, None] = {}
    for value in values:
        cleaned = value.strip()
        if "\0" in cleaned:
            raise Invalid.field(field, "This is not text: it holds characters that no text has.")
        if len(cleaned) > LONGEST:
            shown = cleaned[:40]
            raise Invalid.field(
                field, f"A value has {LONGEST:,} characters at most; the one that begins “{shown}” has more."
            )
        if cleaned:
            found[cleaned] = None
        if len(found) > MOST:
            raise Invalid.field(
                field, f"A list has {MOST:,} different values at most. Make it a model of the schema instead."
            )
    if not found:
        raise Invalid.field(field, "There is no value in it.")
    return list(found)


def _written(text: str) -> Iterator[str]:
    """The cells of all lines; each line is read by the separator that it has, so that commas may be quoted."""
    for line in text.splitlines():
        separator = next((each for each in "\t;" if each in line), ",")
        try:
            yield from next(csv.reader(io.StringIO(line), delimiter=separator, skipinitialspace=True), [])
        except csv.Error:
            yield line
