"""What stops a run inside the engine; each says what happened and what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar


class EngineError(Exception):
    """Base of all: ``message`` is shown to people, ``hint`` says what to do next."""

    code: ClassVar[str] = "engine_error"
    default_hint: ClassVar[str] = ""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint or self.default_hint


class UnknownColumn(EngineError):
    """The model no longer returns columns that the sync uses."""

    code = "unknown_column"
    default_hint = "Restore the column in the model, or change or remove the mappings that use it."

    def __init__(self, columns: Sequence[str], uses: Sequence[str]) -> None:
        names = ", ".join(f"“{name}”" for name in columns)
        used = f" It is used by: {', '.join(uses)}." if uses else ""
        super().__init__(f"Unknown field name {names}: the model does not return it.{used}")
        self.columns = tuple(columns)
        self.uses = tuple(uses)


class InvalidMapping(EngineError):
    """A mapping cannot be used at all, whatever the row."""

    code = "invalid_mapping"


class StorageFailed(EngineError):
    """A file could not be written or read; nothing was committed."""

    code = "storage_failed"
    default_hint = "Check free space and permissions of the storage, then run the sync again."


class BaselineMissing(EngineError):
    """The files of the previous run are gone, so changes cannot be told."""

    code = "baseline_missing"
    default_hint = "Reset change tracking, or run a full resync."


class PlannerTablesMissing(EngineError):
    """Tables of the previous run are gone from the planner schema, so changes cannot be told."""

    code = "planner_tables_missing"
    default_hint = (
        "Somebody dropped or renamed them. Run a full resync, or reset change tracking; "
        "leave the tables of the planner schema alone."
    )


class PlannerUnknown(EngineError):
    """The source's system has no profile for the warehouse planner."""

    code = "planner_unknown"
    default_hint = "This is a defect in Headrace: its source declares a capability that the engine does not know."


class PlannerLeft(EngineError):
    """What was delivered is known in the warehouse only, and this run would compare locally."""

    code = "planner_left"
    default_hint = "Put the source back on the warehouse planner, or reset change tracking."


class RetryImpossible(EngineError):
    """The rows left over from earlier runs cannot be sent by themselves."""

    code = "retry_impossible"
    default_hint = "Run the sync instead: it sends these rows too."


class Cancelled(EngineError):
    """A person cancelled the run: rows not attempted yet stay due.

    ``midway``: between two requests of one batch, of whose rows some may have arrived.
    """

    code = "cancelled"
    midway = False


class DestinationStopped(Cancelled):
    """A person stopped everything that is sent to the destination."""

    code = "destination_stopped"
    default_hint = "Rows that were not sent stay due. Let the destination go on, then run the sync."


class LeaseLost(EngineError):
    """Another worker took this part over: stop at once and write nothing."""

    code = "lease_lost"
