"""The usual modes of sync types in few words; a connector describes its own where they differ."""

from __future__ import annotations

from connectors.sdk.destination import Mode, ModeSpec, Removal, RowSet

# What an insert that may be sent again says of the service.
DROPS_REPEATED = " The service drops what comes twice."


def upsert(*removals: Removal, noun: str = "records") -> ModeSpec:
    """Creates what is missing and updates what is there."""
    words = f"Creates {noun} that are missing and updates those that are there."
    return ModeSpec(mode=Mode.UPSERT, rows=RowSet.CHANGES, description=words, removals=_removals(*removals))


def update(*removals: Removal, noun: str = "records") -> ModeSpec:
    """Updates what is there, and makes nothing."""
    words = f"Updates {noun} that are there; makes none."
    return ModeSpec(mode=Mode.UPDATE, rows=RowSet.CHANGES, description=words, removals=_removals(*removals))


def insert(noun: str = "records", *, idempotent: bool = False) -> ModeSpec:
    """Sends each new row once; ``idempotent`` only where the service drops what comes twice."""
    words = f"Sends {noun} for new rows, once each."
    if idempotent:
        words += DROPS_REPEATED
    return ModeSpec(mode=Mode.INSERT, rows=RowSet.ADDED, description=words, idempotent=idempotent, matching=False)


def members(noun: str, *, into: str = "", out: str = "", by_values: bool = False) -> tuple[ModeSpec, ModeSpec]:
    """The two modes of things that have members: rows are put into it, or taken out of it.

    ``by_values``: members are known by the mapped values alone, as people in audiences of ad platforms.
    """
    adds = ModeSpec(
        mode=Mode.ADD,
        rows=RowSet.CHANGES,
        description=into or f"Puts rows into the {noun}{', and again when they change' if by_values else ''}.",
        removals=_removals(Removal.DELETE),
        follows=by_values,
    )
    takes = ModeSpec(mode=Mode.REMOVE, rows=RowSet.ADDED, description=out or f"Takes rows out of the {noun}.")
    return adds, takes


def _removals(*removals: Removal) -> tuple[Removal, ...]:
    return (Removal.NOTHING, *removals)
