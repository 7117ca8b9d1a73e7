"""Fields that can be mapped in some modes only."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connectors.sdk.destination import FirstRun, Mapper, Mode, Removal, SyncType
from connectors.sdk.modes import insert, update, upsert
from connectors.sdk.rest import field
from syncs.engine.spec import FieldMapping, MappingKind
from syncs.mapping_checks import Configuration, check
from syncs.mappings import Problems

KIND = SyncType(key="people", name="People", description="People.", modes=(upsert(), update(), insert()))
FIELDS = (
    field("id", identifier=True, modes=(Mode.UPDATE,)),
    field("email", identifier=True),
    field("name", required=True),
    field("born", modes=(Mode.UPSERT, Mode.INSERT)),
)


@pytest.mark.parametrize(
    ("mode", "match", "others", "problem"),
    [
        (Mode.UPDATE, "id", (), ""),
        (Mode.UPSERT, "id", ("name",), "only in “update”"),
        (Mode.UPSERT, "email", (), "Map the required fields: Name"),
        (Mode.UPSERT, "email", ("name", "born"), ""),
        (Mode.UPDATE, "email", ("born",), "only in “upsert” or “insert”"),
        (Mode.INSERT, "", ("name",), ""),
    ],
)
def test_fields_belong_to_modes_and_required_ones_to_those_that_make_records(
    mode: Mode, match: str, others: tuple[str, ...], problem: str
) -> None:
    names = [name for name in (match, *others) if name]
    mappings = tuple(FieldMapping(to=n, kind=MappingKind.COLUMN, value=n, identifier=n == match) for n in names)
    problems = Problems()
    chosen = Configuration("people", mode, Removal.NOTHING, FirstRun.BACKFILL, mappings)
    check(chosen, KIND, dict.fromkeys(names, "string"), FIELDS, problems)
    assert problem in " ".join(problems.fields.values())
    assert bool(problem) == bool(problems.fields)


@pytest.mark.parametrize("kind", [MappingKind.STATIC, MappingKind.VARIABLE, MappingKind.TEMPLATE])
def test_a_basic_mapper_takes_columns_only(kind: MappingKind) -> None:
    basic = replace(KIND, mapper=Mapper.BASIC)
    mappings = (
        FieldMapping(to="email", kind=MappingKind.COLUMN, value="email", identifier=True),
        FieldMapping(to="name", kind=kind, value="sync_id"),
    )
    problems = Problems()
    chosen = Configuration("people", Mode.UPSERT, Removal.NOTHING, FirstRun.BACKFILL, mappings)
    check(chosen, basic, {"email": "string"}, FIELDS, problems)
    assert problems.fields == {"mappings.1": "“People” takes columns only, each as it is."}
