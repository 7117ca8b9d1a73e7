"""Syncs as a holder of people's data: see :mod:`governance.privacy.registry`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db.models import QuerySet

from config.errors import HeadraceError
from connectors.sdk.types import Operation
from governance.audit.actors import Actor
from governance.privacy.registry import Check, Holder, Holding, Order, Stuck, Subject, Wait
from syncs import engine
from syncs.choices import RunStatus
from syncs.codec import load
from syncs.engine.spec import RunSpec
from syncs.models import Model, Run, Sync
from syncs.privacy.erasing import erase_from_sync, person_of
from syncs.privacy.holdings import delete_holding, holdings_of
from syncs.privacy.looking import held_rows, key_column, look
from syncs.privacy.scopes import key_of_target, scope_choices, target_of
from syncs.services import privacy as writes

MOST_RUNS = 10_000
RUN_COLUMNS = (
    "run", "number", "sync", "status", "started_by", "trigger", "started_at", "finished_at",
    "queried", "null_keys", "duplicates", "forgotten", "planned", "succeeded", "rejected", "aborted", "in_doubt",
)  # fmt: skip
TEXTS_STEP = "texts"
LEAST_TEXT = 4


class SyncHolder(Holder):
    """Models and syncs: baselines, files of runs, tables in warehouses."""

    def scopes(self) -> Sequence[tuple[str, str]]:
        """A column of a model."""
        return scope_choices()

    def places(self, subject: Subject) -> Sequence[int]:
        """Syncs that have run."""
        rows = Sync.objects.filter(runs_started__gt=0).order_by("pk")
        target = target_of(subject)
        if target.model_id is not None:
            rows = rows.filter(model_id=target.model_id)
        return list(rows.values_list("pk", flat=True))

    def find(self, place: int, subject: Subject, check: Check) -> Mapping[str, Any] | None:
        """What one sync holds."""
        sync = _syncs().filter(pk=place).first()
        return look(sync, target_of(subject).wanted, check) if sync is not None else None

    def resources(self, place: Mapping[str, Any]) -> Sequence[tuple[str, int]]:
        """The sync, its model, and the runs that carried the person."""
        runs = {("run", int(line["run"])) for line in place["sent"]}
        return [("sync", int(place["place"])), ("model", int(place["model_id"])), *sorted(runs)]

    def records(self, kind: str, pk: int) -> Iterable[tuple[str, Sequence[str], Iterable[Sequence[Any]]]]:
        """The runs of a sync, or of the syncs of a model."""
        wanted = {"sync": "sync_id", "model": "sync__model_id", "run": "pk"}.get(kind)
        if wanted is None:
            return
        runs = Run.objects.filter(**{wanted: pk}).select_related("sync").order_by("-id")[:MOST_RUNS]
        yield "runs.csv", RUN_COLUMNS, (_run_row(run) for run in runs)

    def begin(self, order: Order, check: Check) -> Mapping[str, Any]:
        """Hold the syncs of every model concerned, find the person once more, and place tombstones."""
        target = target_of(order.subject)
        named = key_of_target(target)
        models = set(Sync.objects.filter(pk__in=order.places).values_list("model_id", flat=True))
        models |= {named[0].pk} if named else set()
        syncs = list(_syncs().filter(model_id__in=models))
        if busy := writes.hold_syncs(order.case_id, [sync.pk for sync in syncs]):
            raise Wait(" ".join(busy[:3]))
        keys: dict[tuple[int, str], set[str]] = {}
        texts = {order.subject.value}
        removing = []
        if named:
            keys[named[0].pk, named[1]] = {order.subject.value}
        for sync in _syncs().filter(pk__in=[sync.pk for sync in syncs]):
            check()
            found = look(sync, target.wanted, check)
            if found is None:
                continue
            if found["problems"]:
                raise Stuck(f"“{sync}” cannot be searched completely. {' '.join(found['problems'])}", _MEND)
            keys.setdefault((sync.model_id, key_column(sync)), set()).update(found["keys"])
            texts |= {v for row in found["held"] for v in row["values"].values() if v and "@" in v}
            if any(row["present"] for row in found["held"]) and _removes(sync):
                removing.append(sync.pk)
        placed = writes.place_tombstones(order.case_id, keys)
        return {
            "syncs": [sync.pk for sync in syncs],
            "keys": [[model, column, sorted(found)] for (model, column), found in keys.items()],
            "texts": sorted(texts),
            "removing": removing if order.remove_first else [],
            "tombstones": placed,
        }

    def remove(self, order: Order, notes: Mapping[str, Any]) -> None:
        """Run each sync that can remove the person's record, and see that it is gone."""
        waiting = []
        for sync in _syncs().filter(pk__in=notes["removing"]):
            if words := self._removal(order, notes, sync):
                waiting.append(words)
        if waiting:
            raise Wait(" ".join(waiting[:3]))

    def _removal(self, order: Order, notes: Mapping[str, Any], sync: Sync) -> str:
        """What is waited for; nothing once the person is gone from what the sync delivered."""
        label = f"Erasure, case {order.case_id}"
        run = Run.objects.filter(sync=sync, actor_label=label).order_by("-id").first()
        again = run is not None and order.resumed_at is not None and run.created_at < order.resumed_at
        if run is not None and run.live:
            held = " It is held for a decision." if run.status == RunStatus.HELD else ""
            return f"Run {run.number} of “{sync}” removes the person.{held}"
        if run is None or (again and self._still_there(order, notes, sync) and not order.anyway):
            try:
                started = writes.start_removal(order.case_id, sync.pk, label)
            except HeadraceError as error:
                if order.anyway:
                    return ""
                raise Stuck(f"“{sync}” cannot remove the person: {error.message}", error.hint or _DECIDE) from error
            return f"Run {started.number} of “{sync}” removes the person."
        if order.anyway or not self._still_there(order, notes, sync):
            return ""
        raise Stuck(f"“{sync}” ran, and the person's record was not removed from {sync.destination}.", _DECIDE)

    def _still_there(self, order: Order, notes: Mapping[str, Any], sync: Sync) -> bool:
        keys = _keys(notes, sync)
        return any(row.key in keys for row in held_rows(sync, target_of(order.subject).wanted, keys, _nothing))

    def steps(self, order: Order, notes: Mapping[str, Any]) -> Sequence[str]:
        """One a sync, then texts."""
        return [*(f"sync {pk}" for pk in notes["syncs"]), TEXTS_STEP]

    def erase(self, order: Order, notes: Mapping[str, Any], step: str, check: Check) -> Sequence[Mapping[str, Any]]:
        """Erase from one sync, or from messages."""
        if step == TEXTS_STEP:
            texts = [text for text in self.texts(notes) if len(text) >= LEAST_TEXT]
            counts = writes.erase_texts(texts, check)
            return [{"what": what, "where": "Messages", "count": count} for what, count in counts.items()]
        sync = _syncs().filter(pk=int(step.split()[1])).first()
        if sync is None:  # deleted meanwhile, and everything it held with it
            return []
        person = person_of(target_of(order.subject).wanted, _keys(notes, sync), self.texts(notes))
        return erase_from_sync(sync, person, order.case_id, check)

    def texts(self, notes: Mapping[str, Any]) -> Sequence[str]:
        """Whom the case is about, their addresses, and keys that are no bare numbers."""
        keys = [key for _, _, found in notes["keys"] for key in found if not key.isdecimal()]
        return [text for text in (*notes["texts"], *keys) if not text.isdecimal()]

    def keys(self, notes: Mapping[str, Any]) -> Sequence[str]:
        """Every key of the person's rows."""
        return [key for _, _, found in notes["keys"] for key in found]

    def end(self, order: Order, notes: Mapping[str, Any]) -> None:
        """Runs may start again."""
        writes.release_syncs(order.case_id)

    def sources(self) -> Sequence[tuple[int, str]]:
        """Sources that have models."""
        rows = Model.objects.order_by("source__name", "source_id").values_list("source_id", "source__name")
        return list(dict.fromkeys(rows))

    def holdings(self, source_id: int | None) -> Sequence[Holding]:
        """Files and tables of syncs."""
        return holdings_of(source_id)

    def delete(self, actor: Actor, deletable: str) -> str:
        """Files that nothing needs."""
        return delete_holding(actor, deletable)


_MEND = "Mend that first: what cannot be read cannot be erased."
_DECIDE = "Try again, or erase what Headrace holds anyway: it can then no longer be removed there by a sync."


def _syncs() -> QuerySet[Sync]:
    return Sync.objects.select_related("model__source", "destination", "last_run", "workspace").order_by("pk")


def _keys(notes: Mapping[str, Any], sync: Sync) -> set[str]:
    return {key for model, column, keys in notes["keys"] if model == sync.model_id for key in keys}


def _removes(sync: Sync) -> bool:
    """Whether runs of this sync act on rows that left the model."""
    return sync.last_run is not None and Operation.REMOVED in engine.operations_sent(load(RunSpec, sync.last_run.spec))


def _run_row(run: Run) -> Sequence[Any]:
    return (
        run.pk, run.number, str(run.sync), run.status, run.actor_label, run.trigger, run.started_at, run.finished_at,
        run.queried, run.null_keys, run.duplicates, run.forgotten, run.planned, run.succeeded, run.rejected,
        run.aborted, run.in_doubt,
    )  # fmt: skip


def _nothing() -> None:
    """Nothing to ask between the steps of a short look."""
