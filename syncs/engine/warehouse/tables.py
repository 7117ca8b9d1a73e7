"""The names of a run's tables in the planner schema: ``<namespace>_s<sync>_r<run>_<attempt>_<kind>``.

Every attempt at a stage has names of its own, so that two workers never write the
same table and whatever a dead one left can be told from what is needed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from syncs.engine.spec import RunSpec

PLAN, REJECTIONS, CHANGES, OUTCOMES, MOVED_PLAN, MOVED_REJECTIONS, FORGOTTEN = (
    "plan", "rejections", "changes", "outcomes", "moved_plan", "moved_rejections", "forgotten",
)  # fmt: skip
_PREPARED = frozenset({PLAN, CHANGES, MOVED_PLAN, MOVED_REJECTIONS, FORGOTTEN})
_NAME = re.compile(r"_r(?P<run>\d+)_(?P<attempt>\d+)_(?P<kind>\w+)\Z")


@dataclass(frozen=True, slots=True)
class Names:
    """The tables of one attempt at a stage."""

    prefix: str
    run_id: int
    attempt: int

    @classmethod
    def of(cls, spec: RunSpec, attempt: str) -> Names:
        """The names for a run; ``attempt`` counts upwards."""
        return cls(sync_prefix(spec.namespace, spec.sync_id), spec.run_id, int(attempt or 0))

    def __call__(self, kind: str) -> str:
        return f"{self.prefix}r{self.run_id}_{self.attempt}_{kind}"

    def dead(self, found: Iterable[str], needed: Collection[str], *, settling: bool) -> list[str]:
        """Tables that nobody will ask for again: of runs before, and of earlier attempts at this stage.

        Only what is older than this attempt: a worker that lost its lease and does
        not know it yet must not take away its successor's tables.
        """
        return [name for name in found if name not in needed and self._is_older(name, settling=settling)]

    def _is_older(self, name: str, *, settling: bool) -> bool:
        match = _NAME.fullmatch(name.removeprefix(self.prefix[:-1])) if name.startswith(self.prefix) else None
        if match is None:
            return False
        if int(match["run"]) != self.run_id:
            return int(match["run"]) < self.run_id
        same_stage = (match["kind"] in _PREPARED) is not settling
        return same_stage and int(match["attempt"]) < self.attempt


def sync_prefix(namespace: str, sync_id: int) -> str:
    """What the names of all tables of a sync begin with."""
    return f"{namespace or 'h'}_s{sync_id}_"
