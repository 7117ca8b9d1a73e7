"""What may come twice: what was in flight whenever a step lost its worker, and what its sender had no answer to.

Triggers in the torture's own database note both. The first fires in the statement that gives
out a new lease: from then on nothing of the old lease can be written, so a batch that is
open there was sent, or about to be, and its answer was not durable. The second notes batches
that the journal calls in doubt: on a busy machine a time-out ends a request whose answer is
already on its way, and the receiver takes it for told.
"""

from __future__ import annotations

import pyarrow.parquet as pq
from django.db import connection
from django.utils import timezone

from syncs.codec import load
from syncs.engine.recipe import KEY
from syncs.engine.spec import Part, Prepared
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
CREATE TABLE torture_unanswered (run_id bigint, part int, first bigint, rows int);
CREATE FUNCTION torture_note_unanswered() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO torture_unanswered
    SELECT s.run_id, s.number, NEW.first, NEW.rows FROM syncs_runstep s WHERE s.id = NEW.step_id;
    RETURN NULL;
END $$;
CREATE TRIGGER torture_note_unanswered AFTER INSERT OR UPDATE ON syncs_journalbatch
    FOR EACH ROW WHEN (NEW.done AND NEW.in_doubt)
    EXECUTE FUNCTION torture_note_unanswered();
"""


def install() -> None:
    """Begin to note takeovers."""
    with connection.cursor() as cursor:
        cursor.execute(_INSTALL)


def in_flight(run: Run) -> tuple[set[tuple[str, str]], int]:
    """(operation, key) of all rows that may come twice, and the most batches of one part in flight at a takeover."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT part, epoch, first, rows FROM torture_takeover WHERE run_id = %s", [run.pk])
        found = cursor.fetchall()
        cursor.execute("SELECT part, first, rows FROM torture_unanswered WHERE run_id = %s", [run.pk])
        unanswered = cursor.fetchall()
    if run.prepared is None:
        return set(), 0
    parts = {part.number: part for part in load(Prepared, run.prepared).parts}
    rows: set[tuple[str, str]] = set()
    open_batches: dict[tuple[int, int], int] = {}
    for number, first, count in unanswered:
        rows |= _keys(parts[number], first, count)
    for number, epoch, first, count in found:
        # A run that is written in one go keeps no journal: until its step ends, all of it is in flight.
        whole = number not in parts
        if not whole and first is None:
            continue
        if not whole:
            open_batches[number, epoch] = open_batches.get((number, epoch), 0) + 1
        for part in parts.values() if whole else [parts[number]]:
            rows |= _keys(part, 0, part.rows) if whole else _keys(part, first, count)
    return rows, max(open_batches.values(), default=0)


def _keys(part: Part, first: int, count: int) -> set[tuple[str, str]]:
    keys = pq.read_table(storage().local(part.path), columns=[KEY]).column(0).to_pylist()
    return {(part.operations[0][0].value, key) for key in keys[first : first + count]}


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
