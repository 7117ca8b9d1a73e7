"""People with several addresses: each of them becomes a member of a list, whichever service keeps it."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pyarrow as pa
import pytest

from connectors.sdk.arrow import mark
from connectors.sdk.context import Environment
from connectors.sdk.destination import Batch, DestinationField, Mode
from connectors.sdk.rows import dumps, json_rows
from connectors.sdk.types import ColumnType, Operation
from syncs.engine.fan_out import FanOutFields
from tests.connectors.kit.cases import Case
from tests.connectors.kit.drivers import destination_of
from tests.connectors.kit.rest import Played, config_in, job_in, matches_place, play, rest_cases

MAILS = ["ann@x.test", "bea@x.test"]
EMAIL = {
    "bingads": "Email",
    "google_ads": "email",
    "google_data_manager": "email",
    "linkedin": "SHA256_EMAIL",
    "meta": "EMAIL",
    "pinterest_ads": "EMAIL",
    "reddit_ads": "EMAIL_SHA256",
    "snapchat": "EMAIL_SHA256",
    "tiktok": "EMAIL_SHA256",
    "tradedesk": "email",
}


def first_run_of(key: str) -> Case:
    """The case that puts people with e-mail addresses into a new list."""
    found = [c for c in rest_cases() if c.key == key and EMAIL[key] in c.told["columns"]]
    return next(c for c in found if c.told.get("mode") in (Mode.ADD, Mode.UPSERT) and "made_by" in c.name)


async def fields_of(case: Case) -> Sequence[DestinationField]:
    destination = destination_of(case.key, config_in(case.told), Environment())
    job = job_in(destination, case.told)
    return await destination.fields(job.sync_type, job.settings)


async def delivered(case: Case, row: Mapping[str, Any]) -> tuple[Played, list[dict[str, Any]]]:
    """One row, taken apart as the destination's fields say, and what was sent of it."""
    texts = [pa.array([dumps(value).decode()], pa.string()) for value in row.values()]
    schema = pa.schema([mark(pa.field(name, pa.string()), ColumnType.OBJECT) for name in row])
    whole = Batch(Operation.ADDED, ["1"], pa.RecordBatch.from_arrays(texts, schema=schema))
    fan_out = FanOutFields.of(await fields_of(case))
    records = [*json_rows((fan_out.apply(whole, range(1)).batch if fan_out else whole).rows)]
    columns = {name: "nested" if isinstance(records[0][name], list) else "string" for name in row}
    told = {**case.told, "columns": columns, "rows": [[record[name] for name in row] for record in records]}
    return await play(replace(case, told=told), matches=matches_place), records


def forms(mail: str) -> Sequence[str]:
    """What services want of an address: its hash, in one writing or another, or the address itself."""
    hashed = sha256(mail.encode())
    return hashed.hexdigest(), b64encode(hashed.digest()).decode(), mail


@pytest.mark.parametrize("key", EMAIL)
async def test_every_address_of_a_person_reaches_the_list(key: str) -> None:
    played, _ = await delivered(first_run_of(key), {EMAIL[key]: MAILS})
    sent = "\n".join(request.body.decode() for request in played.received)
    assert [mail for mail in MAILS if any(form in sent for form in forms(mail))] == MAILS


async def test_names_go_with_each_other_and_addresses_with_all_of_them() -> None:
    row = {"EMAIL": MAILS, "FN": ["Ann", "Bea"], "LN": ["Lee", "Roy"], "COUNTRY": "de"}
    played, records = await delivered(first_run_of("meta"), row)
    assert played.error is None
    assert len(records) == 4
    assert {(record["FN"], record["LN"]) for record in records} == {("Ann", "Lee"), ("Bea", "Roy")}


@pytest.mark.parametrize("key", EMAIL)
def test_lists_get_people_whose_address_changes(key: str) -> None:
    case = first_run_of(key)
    kind = destination_of(case.key, config_in(case.told), Environment()).definition.sync_type(case.told["type"])
    mode = kind.mode(Mode(case.told["mode"]))
    assert mode.follows or mode.mode is Mode.UPSERT
