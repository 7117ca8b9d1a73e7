"""Column types as people see them, and what moves between source, engine and destination."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ColumnType(StrEnum):
    """The types a model column or destination field can have."""

    BOOLEAN = "boolean"
    NUMBER = "number"
    STRING = "string"
    TIMESTAMP = "timestamp"
    DATE = "date"
    OBJECT = "object"  # objects and arrays
    REFERENCE = "reference"  # another record of the destination
    UNKNOWN = "unknown"


class Operation(StrEnum):
    """What happened to a row between two runs."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table or query result. ``native_type`` is the source's own name for its type."""

    name: str
    type: ColumnType
    native_type: str = ""
    description: str = ""
    nullable: bool = True


@dataclass(frozen=True, slots=True)
class Table:
    """A table or view that a source offers. ``schema`` may be empty for flat sources."""

    schema: str
    name: str
    kind: str = "table"  # or "view", "file"
    description: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """One entry of a picker."""

    value: str
    label: str
    description: str = ""


class Verification(StrEnum):
    """How far a connector was checked, shown to users. Never claim more than was run."""

    SERVER = "server"  # tested against the real thing
    EMULATOR = "emulator"
    SPEC = "spec"  # checked against the vendor's machine-readable API description
    DOCS = "docs"  # built from documentation alone
