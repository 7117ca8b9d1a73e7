"""What was in flight whenever a step lost its worker, as the journal had it when the next worker took over.

A trigger in the torture's own database notes it, in the statement that gives out the
new lease: from then on nothing of the old lease can be written, so a batch that is
open there was sent, or about to be, and its answer was not durable.
"""

from __future__ import annotations

import pyarrow.parquet as pq
from django.db import connection
from django.utils import timezone

from syncs.codec import load
from syncs.engine.recipe import KEY
from syncs.engine.spec import Prepared
from syncs.models import Run
from syncs.storage import storage

_INSTALL = """
CREATE TABLE torture_takeover (run_id bigint, part int, epoch int, first bigint, rows int);
CREATE FUNCTION torture_note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO torture_takeover
    SELECT NEW.run_id, NEW.number, NEW.epoch, b.first, b.rows
    FROM (SELECT 1) one LEFT JOIN syncs_journalbatch b ON b.step_id = NEW.id AND NOT b.done;
    RETURN NULL;
END $$;
CREATE TRIGGER torture_note AFTER UPDATE OF epoch ON syncs_runstep
    FOR EACH ROW WHEN (OLD.epoch > 0 AND NEW.epoch > OLD.epoch AND NEW.kind = 'deliver')
    EXECUTE FUNCTION torture_note();
"""


def install() -> None:
    """Begin to note takeovers."""
    with connection.cursor() as cursor:
        cursor.execute(_INSTALL)


def in_flight(run: Run) -> tuple[set[tuple[str, str]], int]:
    """(operation, key) of all rows that were in flight at a takeover, and the most batches of one part at a time."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT part, epoch, first, rows FROM torture_takeover WHERE run_id = %s", [run.pk])
        found = cursor.fetchall()
    if not found or run.prepared is None:
        return set(), 0
    parts = {part.number: part for part in load(Prepared, run.prepared).parts}
    rows: set[tuple[str, str]] = set()
    open_batches: dict[tuple[int, int], int] = {}
    for number, epoch, first, count in found:
        # A run that is written in one go keeps no journal: until its step ends, all of it is in flight.
        whole = number not in parts
        if not whole and first is None:
            continue
        if not whole:
            open_batches[number, epoch] = open_batches.get((number, epoch), 0) + 1
        for part in parts.values() if whole else [parts[number]]:
            keys = pq.read_table(storage().local(part.path), columns=[KEY]).column(0).to_pylist()
            chosen = keys if whole else keys[first : first + count]
            rows |= {(part.operations[0][0].value, key) for key in chosen}
    return rows, max(open_batches.values(), default=0)


def told(run: Run) -> list[str]:
    """Where the steps of a run stand, for whoever has to find out why it does not end."""
    now = timezone.now()
    return [
        f"{step} {step.state}, {step.rows_done} of {step.rows_total} rows, try {step.attempts}, "
        f"epoch {step.epoch}, open in {(step.available_at - now).total_seconds():.0f} s, "
        f"lease for {(step.lease_until - now).total_seconds() if step.lease_until else 0:.0f} s, "
        f"told {(now - step.sent_at).total_seconds():.0f} s ago, "
        f"batches {list(step.batches.order_by('number').values_list('done', 'status', 'code'))}"
        for step in run.steps.all()
    ]
