"""Associations of HubSpot records: with records of other objects, found by a property, perhaps with labels."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors.destinations.hubspot.settings import VERSION
from connectors.sdk.destination import RowResult, rejected
from connectors.sdk.rest import Record, Work
from connectors.sdk.rest.work import text

PREFIX = "associations."
Find = Callable[..., Awaitable[Sequence[tuple[str, str]]]]


@dataclass(frozen=True)
class Wanted:
    """One association that a row asks for."""

    place: int
    value: str
    labels: tuple[str, ...] = ()


async def associate(work: Work, records: Mapping[int, str | None], find: Find) -> dict[int, RowResult]:
    """Associate the written records (place → id) as their rows say; the refusals of rows where that cannot be."""
    refused: dict[int, RowResult] = {}
    kinds: dict[str, _Kind] = {}
    for name in (each.name for each in work.job.fields if each.name.startswith(PREFIX)):
        kind = name.split(".", 2)[1]
        refused |= await _resolve(work, name, records, find, kinds.setdefault(kind, _Kind()))
    for kind, told in kinds.items():
        asked = {(source, target) for source, target, _ in told.good}
        if work.settings.get("associations") == "replace":
            kept = {str(records[place]) for place in told.places if place not in refused and records[place]}
            await _take_away(work, kind, sorted(kept), asked)
        # A row that is refused keeps what it had; what any column of a row asks for stays.
        gone = {(source, target) for place, source, target in told.former if place not in refused} - asked
        await _archive(work, kind, [(source, [target]) for source, target in sorted(gone)])
        await _unlabel(work, kind, [each for each in told.unlabelled if each[0] not in refused], told.types)
        await _put(work, kind, told)
    return refused


@dataclass
class _Kind:
    """What all columns of one kind ask for: ``good`` associations, the ``former`` ones, and whose rows they are.

    ``unlabelled`` are those that stay and lose labels.
    """

    good: list[tuple[str, str, Wanted]] = field(default_factory=list)
    former: list[tuple[int, str, str]] = field(default_factory=list)
    unlabelled: list[tuple[int, str, str, tuple[str, ...]]] = field(default_factory=list)
    places: set[int] = field(default_factory=set)
    types: Mapping[str, Record] = field(default_factory=dict)


async def _resolve(
    work: Work, name: str, records: Mapping[int, str | None], find: Find, told: _Kind
) -> dict[int, RowResult]:
    """Find the records that a column's values mean; the refusals of rows where there is none."""
    _, kind, by = name.split(".", 2)
    rows = {place: record for place, record in enumerate(work.records) if place in records and name in record}
    wanted = [each for place, record in rows.items() for each in wanted_of(place, record[name])]
    former = _former(work, rows, name, wanted) if work.settings.get("associations") == "difference" else []
    targets = await _targets(work, kind, by, [*wanted, *former], find)
    if any(each.labels for each in [*wanted, *former]):
        told.types = await _types(work, kind)
    told.places |= set(rows)
    refused: dict[int, RowResult] = {}
    for each in wanted:
        source, target = records[each.place], targets.get(each.value.lower(), ())
        if problem := _problem(each, source, target, told.types, kind, by):
            refused[each.place] = rejected(problem, field=name)
        else:
            told.good.append((str(source), target[0], each))
    labels = {(each.place, each.value.lower()): each.labels for each in wanted}
    for each in former:
        source, target = records[each.place], targets.get(each.value.lower(), ())
        if not source or len(target) != 1:
            continue
        now = labels.get((each.place, each.value.lower()))
        if now is None:
            told.former.append((each.place, str(source), target[0]))
        elif lost := tuple(label for label in each.labels if label not in now and label in told.types):
            told.unlabelled.append((each.place, str(source), target[0], lost))
    return refused


def wanted_of(place: int, value: Any) -> Iterator[Wanted]:
    """What a value asks for: an id or a value, a list of them, text with commas, or objects with a label."""
    if isinstance(value, dict):
        labels = tuple(text(each) for each in _listed(value.get("label")))
        yield from (Wanted(place, each.value, labels) for each in wanted_of(place, value.get("value")))
        return
    for each in _listed(value):
        if isinstance(each, dict):
            yield from wanted_of(place, each)
        else:
            yield Wanted(place, text(each))


def _former(work: Work, rows: Mapping[int, Record], name: str, wanted: Iterable[Wanted]) -> list[Wanted]:
    """What the rows asked for before, and no longer do, or not with the same labels."""
    now = {(each.place, each.value.lower(), each.labels) for each in wanted}
    before = [each for place, record in rows.items() for each in wanted_of(place, work.old_of(record).get(name))]
    return [each for each in before if (each.place, each.value.lower(), each.labels) not in now]


def _listed(value: Any) -> list[Any]:
    many = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else [value]
    trimmed = [each.strip() if isinstance(each, str) else each for each in many]
    return [each for each in trimmed if each not in (None, "")]


def _problem(
    each: Wanted,
    source: str | None,
    target: Sequence[str],
    types: Mapping[str, Record],
    kind: str,
    by: str,
) -> str:
    if not source:
        return "The record was written, but not associated: HubSpot did not tell its id."
    if len(target) != 1:
        found = "No record" if not target else "More than one record"
        return f"The record was written, but not associated: {found} of {kind} has the {by} “{each.value}”."
    if unknown := [label for label in each.labels if label not in types]:
        return f"The record was written, but not associated: there is no label “{unknown[0]}”."
    return ""


async def _targets(work: Work, kind: str, by: str, wanted: Iterable[Wanted], find: Find) -> dict[str, Sequence[str]]:
    """The ids of the records to associate with, by the value that the rows name."""
    values = list(dict.fromkeys(each.value for each in wanted))
    if by == "id":
        return {value.lower(): (value,) for value in values}
    found: dict[str, list[str]] = {}
    for start in range(0, len(values), 100):
        for value, key in await find(work, kind, by, values[start : start + 100], unique=False):
            found.setdefault(str(value).lower(), []).append(str(key))
    return dict(found)


async def _types(work: Work, kind: str) -> Mapping[str, Record]:
    """The association types between the two objects by label, asked for once a session."""
    key = f"labels:{kind}"
    if key not in work.memo:
        answer = await work.line.get(f"{_path(work, kind)}/labels")
        work.memo[key] = {
            each["label"]: {"associationCategory": each["category"], "associationTypeId": each["typeId"]}
            for each in answer["results"]
            if each.get("label")
        }
    found: Mapping[str, Record] = work.memo[key]
    return found


async def _put(work: Work, kind: str, told: _Kind) -> None:
    plain = [{"from": {"id": source}, "to": {"id": target}} for source, target, each in told.good if not each.labels]
    labelled = [
        {"from": {"id": source}, "to": {"id": target}, "types": [told.types[label] for label in each.labels]}
        for source, target, each in told.good
        if each.labels
    ]
    for inputs, action in ((plain, "associate/default"), (labelled, "create")):
        for start in range(0, len(inputs), 1_000):
            await work.line.post(f"{_path(work, kind)}/batch/{action}", {"inputs": inputs[start : start + 1_000]})


async def _take_away(work: Work, kind: str, sources: Sequence[str], kept: set[tuple[str, str]]) -> None:
    """Archive the associations of these records that no row asks for."""
    if not sources:
        return
    answer = await work.line.post(f"{_path(work, kind)}/batch/read", {"inputs": [{"id": each} for each in sources]})
    gone = [
        (source, targets)
        for source, found in ((each["from"]["id"], each["to"]) for each in answer["results"])
        if (targets := [to["toObjectId"] for to in found if (source, str(to["toObjectId"])) not in kept])
    ]
    await _archive(work, kind, gone)


async def _archive(work: Work, kind: str, gone: Sequence[tuple[str, Sequence[str]]]) -> None:
    """Take associations away: of each source those with its targets."""
    if gone:
        inputs = [{"from": {"id": source}, "to": [{"id": target} for target in many]} for source, many in gone]
        await work.line.send("POST", f"{_path(work, kind)}/batch/archive", json={"inputs": inputs})


async def _unlabel(
    work: Work, kind: str, lost: Sequence[tuple[int, str, str, tuple[str, ...]]], types: Mapping[str, Record]
) -> None:
    """Take labels away from associations that stay."""
    if lost:
        inputs = [
            {"from": {"id": source}, "to": {"id": target}, "types": [types[label] for label in labels]}
            for _, source, target, labels in lost
        ]
        await work.line.send("POST", f"{_path(work, kind)}/batch/labels/archive", json={"inputs": inputs})


def _path(work: Work, kind: str) -> str:
    return f"crm/associations/{VERSION}/{work.settings['object']}/{kind}"
