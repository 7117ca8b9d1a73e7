"""Taking one person's rows out of the files that runs left.

Files that the next run compares with lose the rows; in files of the debugger, where a row
is known by its place, the rows stay and what they held goes. Every file is replaced
whole and only where it holds something, so that this can be killed and done again. The
caller makes sure that no run of the sync is going on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from syncs.engine.duck import Check, Duck, literal
from syncs.engine.persons import Wanted, carrying, matching, types_of
from syncs.engine.query import PARQUET, read_key_type, read_spool_schema, spool_notes
from syncs.engine.recipe import KEY
from syncs.engine.spec import Baseline, PartOutcome, Prepared, RunSpec
from syncs.engine.storage import Storage

ERASED = "[erased]"
NOTE = "Erased, because somebody in this request was forgotten."
_BATCH_ROWS = 20_000
_COMPARED = ("spool", "carried", "overlay")


@dataclass(frozen=True, slots=True)
class Person:
    """Whose data goes: rows that match or have one of the keys, and requests that hold one of the texts."""

    wanted: Wanted
    keys: frozenset[str]
    texts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Files:
    """Where the files of one sync are, and a DuckDB to work on them."""

    storage: Storage
    bench: Duck
    check: Check


def erase_from_baseline(files: Files, baseline: Baseline, person: Person, mark: str) -> tuple[Baseline, int]:
    """The baseline without the person, in new files beside the old ones, and how many rows they lost.

    ``mark`` names the new files. The caller moves its pointer, then deletes the old files.
    """
    spool, lost = _without(files, baseline.spool, baseline.columns, person, mark)
    if not baseline.overlay:
        return replace(baseline, spool=spool, rows=baseline.rows - lost), lost
    overlay, settled = _without(files, baseline.overlay, baseline.columns, person, mark)
    unsettled = baseline.unsettled - settled
    made = replace(
        baseline, spool=spool, overlay=overlay if unsettled else "", rows=baseline.rows - lost, unsettled=unsettled
    )
    return made, lost + settled


def erase_from_run(
    files: Files,
    directory: str,
    spec: RunSpec,
    prepared: Prepared | None,
    outcomes: Sequence[PartOutcome],
    person: Person,
    kept: Collection[str] = (),
) -> dict[str, int]:
    """Blank the person's rows and requests in a run's files; how many of each kind.

    ``kept`` are files of the sync's baseline, which :func:`erase_from_baseline` replaces.
    Requests go first: what they carried is known from the rows.
    """
    names = [column.name for column in spec.columns]
    counts = {"requests": 0, "rows": 0, "compared": 0}
    batches = _batches(files, spec, prepared, outcomes, names, person)
    paths = [path for path in files.storage.list(directory) if path not in kept]
    for path in (p for p in paths if "/exchanges/" in p):
        counts["requests"] += _blank_requests(files, path, batches, person)
    for path in (p for p in paths if "/exchanges/" not in p):
        files.check()
        held = pq.read_schema(files.storage.local(path)).names
        if Path(path).name.startswith(_COMPARED) and KEY in held:
            counts["compared"] += _thin_out(files, path, names, person)
        elif KEY in held:
            counts["rows"] += _blank_rows(files, path, names, person)
        elif {"row", "key", "message"} <= set(held):
            _blank_outcomes(files, path, person)
    return counts


def _without(files: Files, path: str, names: Sequence[str], person: Person, mark: str) -> tuple[str, int]:
    """A copy of a file without the person's rows; the path stays where there are none."""
    made = f"{path.removesuffix('.parquet')}-{mark}.parquet"
    lost = _copy_without(files, path, made, names, person)
    return (made, lost) if lost else (path, 0)


def _thin_out(files: Files, path: str, names: Sequence[str], person: Person) -> int:
    return _copy_without(files, path, path, names, person)


def _copy_without(files: Files, path: str, made: str, names: Sequence[str], person: Person) -> int:
    source = files.storage.local(path)
    file = literal(source)
    condition, parameters = matching(types_of(files.bench.connection, file), names, person.wanted, person.keys)
    lost = int(files.bench.row(f"SELECT count(*) FROM read_parquet({file}) WHERE {condition}", parameters)[0])
    if not lost:
        return 0
    noted = b"headrace_schema" in (pq.read_schema(source).metadata or {})
    notes = f", {spool_notes(read_spool_schema(source), read_key_type(source))}" if noted else ""
    # COPY takes no parameters: the rows that stay are named by their places instead.
    files.bench.run(
        "CREATE OR REPLACE TEMP TABLE erased_places AS SELECT file_row_number AS place "
        f"FROM read_parquet({file}, file_row_number = true) WHERE {condition}",
        parameters,
    )
    rows = (
        f"SELECT * EXCLUDE (file_row_number) FROM read_parquet({file}, file_row_number = true) "
        "WHERE file_row_number NOT IN (SELECT place FROM erased_places)"
    )
    with files.storage.writing(made) as place:
        files.bench.run(f"COPY ({rows}) TO {literal(place)} ({PARQUET}{notes})")
    return lost


def _batches(
    files: Files,
    spec: RunSpec,
    prepared: Prepared | None,
    outcomes: Sequence[PartOutcome],
    names: Sequence[str],
    person: Person,
) -> set[tuple[int, int]]:
    """(part, number) of the batches that carried the person's rows; a writer of whole runs has only one."""
    found: set[tuple[int, int]] = set()
    by_number = {outcome.number: outcome.path for outcome in outcomes if outcome.path}
    for part in prepared.parts if prepared else ():
        places = _places(files, part.path, names, person) if files.storage.exists(part.path) else []
        if not places:
            continue
        if spec.single_writer:
            found.add((0, 0))
        elif path := by_number.get(part.number):
            rows = files.bench.rows(
                f"SELECT DISTINCT batch FROM read_parquet({literal(files.storage.local(path))}) "
                "WHERE batch IS NOT NULL AND row IN (SELECT unnest(?))",
                [places],
            )
            found |= {(part.number, int(batch)) for (batch,) in rows}
    return found


def _places(files: Files, path: str, names: Sequence[str], person: Person) -> list[int]:
    file = literal(files.storage.local(path))
    condition, parameters = matching(types_of(files.bench.connection, file), names, person.wanted, person.keys)
    sql = f"SELECT file_row_number FROM read_parquet({file}, file_row_number = true) WHERE {condition} ORDER BY 1"
    return [int(place) for (place,) in files.bench.rows(sql, parameters)]


def _blank_rows(files: Files, path: str, names: Sequence[str], person: Person) -> int:
    """Keep the rows' places, and nothing of what they held."""
    places = _places(files, path, names, person)
    if places:
        _rewrite(files.storage, path, frozenset(places), blank={KEY: ERASED}, kept={"code", "_present", "_forced"})
    return len(places)


def _blank_outcomes(files: Files, path: str, person: Person) -> int:
    file = literal(files.storage.local(path))
    texts = [text for text in person.texts if len(text) >= 4]
    tests = ["key IN (SELECT unnest(?))", *("contains(lower(message), lower(?))" for _ in texts)]
    sql = (
        f"SELECT file_row_number FROM read_parquet({file}, file_row_number = true) "
        f"WHERE coalesce({' OR '.join(tests)}, false)"
    )
    places = [int(place) for (place,) in files.bench.rows(sql, [sorted(person.keys), *texts])]
    if places:
        kept = {"row", "operation", "status", "batch", "code", "in_doubt"}
        _rewrite(files.storage, path, frozenset(places), blank={"key": ERASED}, kept=kept)
    return len(places)


def _blank_requests(files: Files, path: str, batches: Collection[tuple[int, int]], person: Person) -> int:
    """Leave when and where, and how it was answered."""
    part = int(path.split("/")[-2].split("-")[0])
    condition, parameters = carrying(part, batches, person.texts)
    file = literal(files.storage.local(path))
    sql = (
        f"SELECT file_row_number FROM read_parquet({file}, file_row_number = true) "
        f"WHERE coalesce({condition}, false) AND coalesce(note, '') <> ?"
    )
    places = frozenset(int(place) for (place,) in files.bench.rows(sql, [*parameters, NOTE]))
    if not places:
        return 0
    table = pq.read_table(files.storage.local(path))
    mask = [i in places for i in range(table.num_rows)]
    made = {
        "request_body": ERASED, "response_body": ERASED, "error": "", "note": NOTE,
        "request_headers": "[]", "response_headers": "[]",
    }  # fmt: skip
    columns = []
    for field in table.schema:
        values = table.column(field.name).combine_chunks()
        if field.name in made:
            values = pc.if_else(pa.array(mask), pa.scalar(made[field.name], field.type), values)
        elif field.name == "target":
            hosts = [_host(text) if hit else text for text, hit in zip(values.to_pylist(), mask, strict=True)]
            values = pa.array(hosts, field.type)
        columns.append(values)
    with files.storage.writing(path) as place:
        rewritten = pa.Table.from_arrays(columns, schema=table.schema)
        pq.write_table(rewritten, place, compression="zstd", compression_level=1, use_dictionary=False)
    return len(places)


def _rewrite(
    storage: Storage, path: str, places: frozenset[int], *, blank: dict[str, str], kept: Collection[str]
) -> None:
    """Replace a file by one in which the rows at these places are empty, but for ``kept`` columns."""
    with (
        pq.ParquetFile(storage.local(path)) as file,
        storage.writing(path) as place,
        pq.ParquetWriter(place, file.schema_arrow, compression="snappy", write_statistics=False) as writer,
    ):
        for batch in _blanked(file, places, blank, kept):
            writer.write_batch(batch)


def _blanked(
    file: pq.ParquetFile, places: frozenset[int], blank: dict[str, str], kept: Collection[str]
) -> Iterator[pa.RecordBatch]:
    start = 0
    for batch in file.iter_batches(batch_size=_BATCH_ROWS):
        hits = sorted(place - start for place in places if start <= place < start + batch.num_rows)
        start += batch.num_rows
        if not hits:
            yield batch
            continue
        hidden = set(hits)
        mask = pa.array([i in hidden for i in range(batch.num_rows)])
        # Taking a null place gives a null of any type, also where nothing else can set one.
        taken = pa.array([None if i in hidden else i for i in range(batch.num_rows)], pa.int64())
        columns = []
        for field, values in zip(batch.schema, batch.columns, strict=True):
            if field.name in blank:
                columns.append(pc.if_else(mask, pa.scalar(blank[field.name], field.type), values))
            else:
                columns.append(values if field.name in kept else values.take(taken))
        yield pa.RecordBatch.from_arrays(columns, schema=batch.schema)


def _host(target: str | None) -> str | None:
    """An address without its path, into which templates put row values."""
    address = urlsplit(target or "")
    return f"{address.scheme}://{address.netloc}/{ERASED}" if address.netloc else target
