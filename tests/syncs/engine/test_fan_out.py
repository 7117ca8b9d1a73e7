"""Identifier fan-out: an array sends one record for each element, and the row has one outcome."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.sdk.arrow import mark
from connectors.sdk.destination import ACCEPTED, Batch, DestinationField, FanOut, Limits, RowResult, rejected
from connectors.sdk.errors import Unavailable
from connectors.sdk.rows import dumps, json_rows
from connectors.sdk.types import ColumnType, Operation
from syncs.engine.deliver import deliver_part
from syncs.engine.fan_out import FanOutFields, by_place
from syncs.engine.limiter import Unlimited
from syncs.engine.memory import MemoryJournal
from syncs.engine.preparation import prepare
from syncs.engine.spec import FieldMapping, MappingKind, ModelColumn, PartOutcome
from syncs.engine.storage import Storage
from tests.syncs.engine.support import (
    CancelAfter,
    FakeTime,
    MemoryDestination,
    TableSource,
    make_job,
    make_spec,
    run_async,
)

INDEPENDENT = ("email", "phone")
LINKED = ("first", "last")
FIELDS = tuple(
    [DestinationField(name=name, fan_out=FanOut.INDEPENDENT) for name in INDEPENDENT]
    + [DestinationField(name=name, fan_out=FanOut.LINKED) for name in LINKED]
    + [DestinationField(name="value")]
)


def records(*rows: dict[str, Any], kind: ColumnType = ColumnType.OBJECT) -> list[tuple[int, dict[str, Any]]]:
    """What the rows become, each with the place of its row."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    held = [[None if row.get(n) is None else dumps(row[n]).decode() for row in rows] for n in names]
    schema = pa.schema([mark(pa.field(name, pa.string()), kind) for name in names])
    batch = pa.RecordBatch.from_arrays([pa.array(h, pa.string()) for h in held], schema=schema)
    plan = FanOutFields.of(FIELDS)
    assert plan is not None
    keys = [str(n) for n in range(len(rows))]
    made = plan.apply(Batch(Operation.CHANGED, keys, batch, old=batch), range(len(rows)))
    assert [int(key) for key in made.batch.keys] == list(made.places)
    assert made.batch.old == batch.take(pa.array(made.places, pa.int64())), "what each was before goes along"
    return list(zip(made.places, json_rows(made.batch.rows), strict=True))


def test_each_element_becomes_a_record_and_single_values_stay() -> None:
    assert records({"email": ["a", "b", "a", None]}, {"email": "c"}, {"email": []}, {"email": None}) == [
        (0, {"email": "a"}),
        (0, {"email": "b"}),
        (1, {"email": "c"}),
        (2, {"email": None}),
        (3, {"email": None}),
    ]


def test_linked_fields_go_by_place_and_independent_ones_in_every_combination() -> None:
    row = {"email": ["a", "b"], "phone": [1, 2], "first": ["Ann", "Bea"], "last": ["Lee"]}
    assert [record for _, record in records(row)] == [
        {"email": email, "phone": phone, "first": first, "last": last}
        for email in ("a", "b")
        for phone in (1, 2)
        for first, last in (("Ann", "Lee"), ("Bea", None))
    ]


def test_arrays_in_other_fields_and_text_are_left_alone() -> None:
    assert records({"value": ["a", "b"], "email": "x"}) == [(0, {"value": ["a", "b"], "email": "x"})]
    assert records({"email": ["a", "b"]}, kind=ColumnType.STRING) == [(0, {"email": '["a","b"]'})]


VALUES = st.none() | st.text(max_size=2) | st.lists(st.integers(0, 3), max_size=4)


@given(st.lists(st.fixed_dictionaries(dict.fromkeys(INDEPENDENT, VALUES)), max_size=5))
def test_every_combination_is_sent_once(rows: list[dict[str, Any]]) -> None:
    made = (
        Counter((place, str(r.get("email")), str(r.get("phone"))) for place, r in records(*rows)) if rows else Counter()
    )
    expected = Counter(
        (place, str(a), str(b))
        for place, row in enumerate(rows)
        for a in (dict.fromkeys(row["email"]) or [None] if isinstance(row["email"], list) else [row["email"]])
        for b in (dict.fromkeys(row["phone"]) or [None] if isinstance(row["phone"], list) else [row["phone"]])
    )
    assert made == expected


BAD = rejected("Hashed badly", code="bad", field="email")


@pytest.mark.parametrize(
    ("results", "outcome"),
    [
        ([ACCEPTED, ACCEPTED], ACCEPTED),
        ([BAD], BAD),
        ([ACCEPTED, BAD, None], None),
        ([BAD, ACCEPTED, BAD], replace(BAD, message="Hashed badly (2 of the row’s 3 records were refused.)")),
    ],
)
def test_all_answers_together_decide_about_the_row(results: list[RowResult | None], outcome: RowResult | None) -> None:
    assert list(by_place([7] * len(results), results)) == [(7, outcome)]


class Audience(MemoryDestination):
    """Members by identifier; remembers the size of each request."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []
        self.members: list[str] = []

    async def deliver(self, batch: Batch) -> Sequence[RowResult]:
        await asyncio.sleep(0)
        self.sizes.append(len(batch))
        if self.errors:
            raise self.errors.pop(0)
        found = [record["email"] for record in batch.records()]
        self.members += [email for email in found if email not in self.refused]
        return [BAD if email in self.refused else ACCEPTED for email in found]


def deliver(folder: Path, audience: Audience, *emails: Any, batch_rows: int = 3) -> PartOutcome:
    """One run over rows with these e-mail addresses."""
    held = pa.array([dumps(email).decode() for email in emails], pa.string())
    schema = pa.schema([pa.field("id", pa.int64()), mark(pa.field("email", pa.string()), ColumnType.OBJECT)])
    spec = make_spec(
        columns=(ModelColumn(name="id", type=ColumnType.NUMBER), ModelColumn(name="email", type=ColumnType.OBJECT)),
        tracked=("id", "email"),
        mappings=(FieldMapping(to="email", kind=MappingKind.COLUMN, value="email", identifier=True),),
    )
    storage = Storage(str(folder / "storage"))
    source = TableSource(pa.table([pa.array(range(len(emails))), held], schema=schema))
    prepared = prepare(spec, source, storage, None, workdir=folder / "work", memory_mb=256, threads=1)
    limits = Limits(batch_rows=batch_rows, attempts=2)
    job = replace(make_job(spec), fields=FIELDS[:1])
    work = deliver_part(
        spec, job, audience, prepared.parts[0], storage, MemoryJournal(), CancelAfter(), Unlimited(), limits,
        clock=FakeTime().clock,
    )  # fmt: skip
    return run_async(work)


def test_no_request_is_larger_than_the_destination_takes_and_rows_are_counted_not_records(tmp_path: Path) -> None:
    audience = Audience()
    outcome = deliver(tmp_path, audience, ["a", "b"], "c", ["d", "e"], [f"x{n}" for n in range(7)], "f")
    assert outcome.succeeded.added == 5
    assert Counter(audience.members) == Counter(["a", "b", "c", "d", "e", "f", *(f"x{n}" for n in range(7))])
    assert max(audience.sizes) <= 3


def test_a_row_is_refused_where_one_of_its_records_is(tmp_path: Path) -> None:
    audience = Audience()
    audience.refused = {"b", "x9"}
    outcome = deliver(tmp_path, audience, ["a", "b"], "c", [f"x{n}" for n in range(10)])
    assert (outcome.succeeded.added, outcome.rejected.added) == (1, 2)


def test_a_row_whose_records_were_not_all_answered_stays_due(tmp_path: Path) -> None:
    audience = Audience()
    audience.errors = [Unavailable("down")] * 2
    outcome = deliver(tmp_path, audience, ["a", "b"], batch_rows=1)
    assert (outcome.succeeded.added, outcome.rejected.added + outcome.aborted.added) == (0, 1)


def test_a_row_that_would_make_too_many_records_is_refused_alone(tmp_path: Path) -> None:
    audience = Audience()
    outcome = deliver(tmp_path, audience, [str(n) for n in range(1_001)], "c")
    assert (outcome.succeeded.added, outcome.rejected.added, audience.members) == (1, 1, ["c"])
