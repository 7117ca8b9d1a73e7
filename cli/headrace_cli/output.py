"""What is printed: tables for people, JSON and YAML for programs. Results go to stdout, all else to stderr."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import click
import yaml
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

notes = Console(stderr=True, highlight=False)


def print_json(value: Any) -> None:
    """A value as JSON, for programs."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def print_yaml(value: Any) -> None:
    """A value as YAML."""
    click.echo(yaml.safe_dump(value, sort_keys=False, allow_unicode=True), nl=False)


def print_table(headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Rows under headings, as wide as the terminal; as wide as they are where it is none."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell(value)) for value in row))
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=10_000)
        table.expand = False
    console.print(table, soft_wrap=not console.is_terminal)


def cell(value: Any) -> str:
    """A value in a table; control characters of other systems stay out of the terminal."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return "".join(character if character.isprintable() else "�" for character in text)


def say(words: str) -> None:
    """A note beside the result."""
    notes.print(Text(cell(words)))
