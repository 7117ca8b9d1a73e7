"""File destinations: what is on the disk or in the bucket after success, after failure, and who may write where."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
import pytest
from httpx import get, post
from moto.sts.models import sts_backends

from connectors.access import environment
from connectors.sdk import trace
from connectors.sdk.context import Environment
from connectors.sdk.destination import Batch, Destination, Mode
from connectors.sdk.errors import AuthError, ConfigError, ConnectorError, Gone, Unavailable
from connectors.sdk.types import Operation
from tests.connectors.kit.drivers import destination_of, store_client, store_destination
from tests.connectors.kit.jobs import Streams, job_for
from tests.support.proxy import RunningProxy

ROWS = pa.RecordBatch.from_pydict({"id": list(range(100)), "name": ["x" * 50] * 100})
NAMES = itertools.count(1)
KEYS = {"access_key_id": "AKIATEST", "secret_access_key": "test-secret"}


class Broken(Streams):
    """Streams that fail half-way."""

    def stream(self, operation: Operation) -> Iterator[Batch]:
        yield from itertools.islice(super().stream(operation), 2)
        raise Unavailable("The spool could not be read.")


def folder_in(root: Path, folder: str = "out") -> Destination:
    return destination_of("local_files", {"folder": folder}, Environment(local_roots=(str(root),)))


async def write(destination: Destination, rows: Streams, mode: Mode = Mode.ALL, **settings: Any) -> None:
    asked = job_for(destination.definition, {"format": "csv", "filename": "rows.csv", **settings}, mode=mode)
    destination.validate(asked)
    await destination.write(asked, rows)


def files_in(root: Path) -> list[str]:
    return sorted(str(p.relative_to(root)) for p in root.rglob("*") if p.is_file())


@pytest.mark.parametrize(
    ("asked", "written"),
    [
        ({}, "true,false,\n"),
        ({"booleans": "numbers"}, "1,0,\n"),
        ({"booleans": "one_or_blank"}, "1,,\n"),
        ({"booleans": "one_or_blank", "format": "ndjson"}, '{"a":true,"b":false,"c":null}\n'),
    ],
)
async def test_true_and_false_are_written_as_their_receiver_reads_them(
    tmp_path: Path, asked: dict[str, Any], written: str
) -> None:
    flags = pa.RecordBatch.from_pydict({"a": [True], "b": [False], "c": pa.array([None], pa.bool_())})
    await write(folder_in(tmp_path), Streams(added=flags), **{"header": False, **asked})
    assert (tmp_path / "out/rows.csv").read_text() == written


async def test_a_file_is_replaced_only_when_the_new_one_is_complete(tmp_path: Path) -> None:
    await write(folder_in(tmp_path), Streams(added=ROWS.slice(0, 1)))
    before = (tmp_path / "out/rows.csv").read_bytes()
    with pytest.raises(Unavailable):
        await write(folder_in(tmp_path), Broken(added=ROWS))
    assert files_in(tmp_path) == ["out/rows.csv"]
    assert (tmp_path / "out/rows.csv").read_bytes() == before
    await write(folder_in(tmp_path), Streams(added=ROWS))
    assert (tmp_path / "out/rows.csv").read_text().count("\n") == 101


async def test_the_check_leaves_nothing_behind(tmp_path: Path) -> None:
    await folder_in(tmp_path).check()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("folder", ["..", "../elsewhere", "/etc", "a/../../b"])
async def test_folders_outside_the_allowed_ones_are_refused(tmp_path: Path, folder: str) -> None:
    with pytest.raises(ConfigError):
        await folder_in(tmp_path / "allowed", folder).check()


async def test_a_link_does_not_lead_out(tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "allowed/out").mkdir(parents=True)
    (tmp_path / "allowed/out/link").symlink_to(tmp_path / "secret")
    with pytest.raises(ConfigError, match="out of the folder"):
        await write(folder_in(tmp_path / "allowed"), Streams(added=ROWS), filename="link/rows.csv")
    assert files_in(tmp_path / "secret") == []


async def test_without_allowed_folders_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        await destination_of("local_files", {"folder": str(tmp_path)}, Environment()).check()


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"filename": "../rows.csv"}, "filename"),
        ({"filename": "a//b.csv"}, "filename"),
        ({"filename": "{nope}.csv"}, "filename"),
        ({"filename": "x" * 1_024 + "{YYYY}"}, "filename"),
        ({"indicator": "done.txt"}, "indicator"),
        ({"indicator": "rows.csv", "batch_size": 5}, "indicator"),
    ],
)
async def test_settings_that_cannot_work_name_their_place(tmp_path: Path, settings: dict[str, Any], field: str) -> None:
    with pytest.raises(ConfigError) as caught:
        await write(folder_in(tmp_path), Streams(added=ROWS), **settings)
    assert caught.value.field == field


async def test_each_file_is_recorded(tmp_path: Path) -> None:
    with trace.recording() as exchanges:
        await write(folder_in(tmp_path), Streams(added=ROWS), batch_size=60)
        with pytest.raises(Unavailable):
            await write(folder_in(tmp_path), Broken(added=ROWS))
    assert [(e.target, e.response_body.partition(",")[0]) for e in exchanges[:2]] == [
        ("rows-0001.csv", "60 rows"),
        ("rows-0002.csv", "40 rows"),
    ]
    assert exchanges[2].error == "The spool could not be read."


@pytest.mark.parametrize(("rows", "filled"), [(99, [50, 49]), (100, [50, 50]), (101, [50, 50, 1])])
async def test_files_are_filled_to_the_row(tmp_path: Path, rows: int, filled: list[int]) -> None:
    table = pa.RecordBatch.from_pydict({"id": list(range(rows))})
    await write(folder_in(tmp_path), Streams(added=table), batch_size=50, header=False)
    held = [p.read_text().splitlines() for p in sorted((tmp_path / "out").iterdir())]
    assert [len(lines) for lines in held] == filled
    assert sorted(int(line) for lines in held for line in lines) == list(range(rows))


@pytest.fixture
def bucket(store_url: str) -> str:
    name = f"bucket-{next(NAMES)}"
    store_client(store_url).create_bucket(Bucket=name)
    return name


async def test_a_large_object_is_sent_in_parts(store_url: str, bucket: str) -> None:
    big = pa.RecordBatch.from_pydict({"id": list(range(400_000)), "text": ["something to fill the parts"] * 400_000})
    await write(store_destination(store_url, bucket), Streams(piece=20_000, added=big), filename="a/big.csv")
    found = store_client(store_url).get_object(Bucket=bucket, Key="a/big.csv")
    assert found["ETag"].strip('"').endswith("-2")
    assert found["Body"].read().count(b"\n") == 400_001


async def test_a_failed_upload_leaves_no_object_and_no_parts(store_url: str, bucket: str) -> None:
    big = pa.RecordBatch.from_pydict({"text": ["y" * 1_000] * 40_000})
    with pytest.raises(Unavailable):
        await write(store_destination(store_url, bucket), Broken(piece=10_000, added=big))
    store = store_client(store_url)
    assert "Contents" not in store.list_objects_v2(Bucket=bucket)
    assert "Uploads" not in store.list_multipart_uploads(Bucket=bucket)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"bucket": "no-such-bucket"}, Gone),
        ({"access_key_id": ""}, AuthError),
        ({"access_key_id": "", "secret_access_key": ""}, AuthError),
        ({"endpoint": "http://127.0.0.1:1"}, ConfigError),
        ({"endpoint": "http://localhost:1"}, ConfigError),
    ],
)
async def test_each_way_a_store_fails_is_told(
    store_url: str, bucket: str, changes: dict[str, Any], expected: type[ConnectorError]
) -> None:
    with pytest.raises(expected) as caught:
        await store_destination(store_url, changes.pop("bucket", bucket), **changes).check()
    assert caught.value.hint


async def test_a_store_that_is_reached_passes_the_check(store_url: str, bucket: str) -> None:
    await store_destination(store_url, bucket).check()


async def test_a_store_is_reached_through_the_operators_proxy(store_url: str, bucket: str, proxy: RunningProxy) -> None:
    host, port = "localhost", urlsplit(store_url).port
    for address in (store_url, f"http://{host}:{port}"):
        config = {"bucket": bucket, "endpoint": address, "path_style": True, **KEYS}
        reached = Environment(outbound_allow=(urlsplit(address).netloc,), proxy=proxy.proxy())
        await destination_of("s3", config, reached).check()
        with pytest.raises(ConfigError, match=r"not a public|private address"):
            await destination_of("s3", config, Environment(proxy=proxy.proxy())).check()
        with pytest.raises(ConnectorError):
            await destination_of("s3", config, replace(reached, proxy=replace(proxy.proxy(), password="no"))).check()
    assert proxy.asked_for(f"127.0.0.1:{port}")


ROLE = "arn:aws:iam::222233334444:role/headrace"


@pytest.fixture
def assumed() -> list[Any]:
    """The roles that were assumed in the other account, as the store knows them."""
    roles: list[Any] = sts_backends["222233334444"]["aws"].assumed_roles
    roles.clear()
    return roles


async def test_a_role_of_another_account_is_assumed_for_a_whole_run(
    store_url: str, bucket: str, assumed: list[Any]
) -> None:
    destination = store_destination(store_url, bucket, role_arn=ROLE, external_id="ours-42")
    recorder = f"{store_url}/moto-api/recorder"
    post(f"{recorder}/reset-recording").raise_for_status()
    post(f"{recorder}/start-recording").raise_for_status()
    await write(destination, Streams(added=ROWS))
    post(f"{recorder}/stop-recording").raise_for_status()
    assert [(role.role_arn, role.external_id, role.session_name) for role in assumed] == [(ROLE, "ours-42", "headrace")]
    recorded = [json.loads(line) for line in get(f"{recorder}/download-recording").iter_lines()]
    signed = [request["headers"]["Authorization"] for request in recorded]
    keys = [header.partition("Credential=")[2].partition("/")[0] for header in signed]
    assert keys == ["AKIATEST", assumed[0].access_key_id]
    found = store_client(store_url).get_object(Bucket=bucket, Key="rows.csv")["Body"].read()
    assert found.count(b"\n") == 101


@pytest.mark.parametrize("role", ["", ROLE])
async def test_the_machines_own_credentials_are_used_only_where_the_operator_allows_it(
    store_url: str, bucket: str, role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAMACHINE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "machine-secret")
    config = {"bucket": bucket, "endpoint": store_url, "path_style": True, "role_arn": role}
    reached = (urlsplit(store_url).netloc,)
    with pytest.raises(AuthError):
        await destination_of("s3", config, Environment(outbound_allow=reached)).check()
    allowed = Environment(outbound_allow=reached, extra={"aws_default_credentials": "allowed"})
    await destination_of("s3", config, allowed).check()


@pytest.mark.parametrize("asked", [True, False])
def test_the_operators_setting_reaches_connectors(settings: Any, asked: bool) -> None:
    settings.AWS_DEFAULT_CREDENTIALS = asked
    assert bool(environment().extra.get("aws_default_credentials")) is asked
