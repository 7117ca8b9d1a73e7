"""Rows that a run leaves out because the person they are about was forgotten.

What is known of a forgotten row is a keyed hash of its primary key, so that nobody
without the secret can tell whom Headrace was asked to forget. The secret stays in this
process: with the local planner DuckDB makes the same hash of every key that comes, with
the warehouse planner the keys that are new come here to be compared.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from syncs.engine.duck import Duck, literal
from syncs.engine.recipe import KEY

_BLOCK = 64
_TABLE = "forgotten_digests"


@dataclass(frozen=True, slots=True)
class Forgotten:
    """Whom to leave out: digests by the secret they were made with.

    ``context`` keeps the hashes of different models apart. ``thorough`` looks at every key,
    also at those that were there before: needed while the baseline may still hold a forgotten row.
    """

    context: str
    digests: Mapping[bytes, frozenset[str]]
    thorough: bool = False

    def __bool__(self) -> bool:
        return any(self.digests.values())

    def among(self, keys: Iterable[str]) -> list[str]:
        """Those of the keys that are forgotten."""
        return [key for key in keys if any(digest(s, self.context, key) in d for s, d in self.digests.items())]


def digest(secret: bytes, context: str, key: str) -> str:
    """The keyed hash (HMAC-SHA-256) that stands for a row's key."""
    return hmac.digest(secret, f"{context}{key}".encode(), "sha256").hex()


def leave_out(bench: Duck, forgotten: Forgotten, rows: str, place: int = 0) -> str:
    """SQL of the rows (a SELECT with ``_key``) without forgotten ones; rows without a key stay.

    ``place`` keeps several of them apart that one statement leaves out.
    """
    table = f"{_TABLE}_{place}"
    bench.run(f"CREATE OR REPLACE TEMP TABLE {table} (secret INTEGER, digest VARCHAR)")
    conditions = []
    for number, (secret, digests) in enumerate(forgotten.digests.items()):
        bench.run(f"INSERT INTO {table} SELECT {number}, unnest(?)", [sorted(digests)])
        inner, outer = _hide(bench, secret, f"{place}_{number}")
        made = f"sha256({outer} || unhex(sha256({inner} || encode({literal(forgotten.context)} || {KEY}))))"
        conditions.append(f"{made} NOT IN (SELECT digest FROM {table} WHERE secret = {number})")
    return f"SELECT * FROM ({rows}) WHERE {KEY} IS NULL OR ({' AND '.join(conditions)})"


def _hide(bench: Duck, secret: bytes, number: str) -> tuple[str, str]:
    """Give DuckDB the secret as variables: it must not stand in a statement that an error might quote."""
    if len(secret) > _BLOCK:
        raise ValueError("the secret is longer than a block of the hash")
    padded = secret.ljust(_BLOCK, b"\0")
    names = []
    for side, mask in (("inner", 0x36), ("outer", 0x5C)):
        name = f"forgotten_{side}_{number}"
        bench.run(
            "CREATE OR REPLACE TEMP TABLE forgotten_pad AS SELECT ?::BLOB AS pad", [bytes(b ^ mask for b in padded)]
        )
        bench.run(f"SET VARIABLE {name} = (SELECT pad FROM forgotten_pad)")
        bench.run("DROP TABLE forgotten_pad")
        names.append(f"getvariable({literal(name)})")
    return names[0], names[1]
