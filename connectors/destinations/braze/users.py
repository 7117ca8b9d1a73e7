"""Users of Braze: read where that saves data points, then written, given aliases, or deleted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from connectors.destinations.braze.settings import ALIAS, PROFILE
from connectors.sdk.destination import ACCEPTED, Mode, RowResult, rejected
from connectors.sdk.rest import Line, Record, Results, Work
from connectors.sdk.rest.times import moment
from connectors.sdk.rest.work import NO_MATCH, text
from connectors.sdk.types import Operation

CHUNK = 50
IDENTIFIERS = ("external_id", "braze_id", "user_alias")
STANDARD = frozenset(each.name for each in PROFILE)
# What an export has in the form in which it is written.
COMPARED = (
    "first_name",
    "last_name",
    "email",
    "phone",
    "country",
    "home_city",
    "language",
    "gender",
    "dob",
    "time_zone",
)


async def write_users(work: Work) -> Results:
    """Send what differs, then the aliases."""
    results = [unmatched(record, work.match) or ACCEPTED for record in work.records]
    if work.removing:
        return await delete_users(work, results)
    known = await profiles_of(work) if reads(work.settings, work.job.fields) else None
    parts: list[tuple[int, Record]] = []
    replaced: list[tuple[int, Record]] = []
    for place, record in enumerate(work.records):
        if not results[place].accepted:
            continue
        profile = known.get(key_of(record[work.match])) if known is not None else None
        if known is not None and profile is None and existing_only(work):
            results[place] = NO_MATCH
            continue
        merged, whole = split_nulls(differing(attributes_of(record), profile, work))
        identity: Record = {work.match: record[work.match]}
        if existing_only(work):
            identity["_update_existing_only"] = True
        if merged or (profile is None and not whole):
            nested = {"_merge_objects": True} if any(isinstance(v, dict) for v in merged.values()) else {}
            parts.append((place, {**identity, **nested, **merged}))
        if whole:
            replaced.append((place, {**identity, "_merge_objects": False, **whole}))
    for chosen in (parts, replaced):
        if taken := [(place, part) for place, part in chosen if results[place].accepted]:
            answer = await work.line.post("users/track", {"attributes": [part for _, part in taken]})
            note(results, [place for place, _ in taken], answer)
    if known is not None and work.operation is not Operation.REMOVED:
        await write_aliases(work, known, results)
    return results


async def delete_users(work: Work, results: list[RowResult]) -> Results:
    """Delete users, 50 a request; those that are gone already are no error."""
    name = {"external_id": "external_ids", "braze_id": "braze_ids", "user_alias": "user_aliases"}[work.match]
    places = [place for place, result in enumerate(results) if result.accepted]
    for chunk in chunks(places):
        await work.line.post("users/delete", {name: [work.records[place][work.match] for place in chunk]})
    return results


async def write_aliases(work: Work, known: Mapping[str, Record], results: list[RowResult]) -> None:
    """Add aliases that are new, and rename those that changed."""
    new: list[tuple[int, Record]] = []
    changed: list[tuple[int, Record]] = []
    for place, record in enumerate(work.records):
        if not results[place].accepted or results[place] is NO_MATCH:
            continue
        profile = known.get(key_of(record[work.match])) or {}
        there = {alias["alias_label"]: alias["alias_name"] for alias in profile.get("user_aliases") or ()}
        for label, name in aliases_of(record).items():
            if label not in there:
                told = {"external_id": record[work.match], "alias_label": label, "alias_name": name}
                new.append((place, told))
            elif there[label] != name:
                told = {"alias_label": label, "old_alias_name": there[label], "new_alias_name": name}
                changed.append((place, told))
    for path, part, items in (("new", "user_aliases", new), ("update", "alias_updates", changed)):
        for chunk in chunks(items):
            answer = await work.line.post(f"users/alias/{path}", {part: [each for _, each in chunk]})
            note(results, [place for place, _ in chunk], answer)


async def profiles_of(work: Work) -> dict[str, Record]:
    """The users of these rows as Braze has them, by what matches them."""
    values = [record[work.match] for record in work.records if not unmatched(record, work.match)]
    mapped = [each.name for each in work.job.fields]
    return await exported(work.line, work.match, values, [name for name in COMPARED if name in mapped])


async def exported(line: Line, name: str, values: Sequence[Any], wanted: Iterable[str] = ()) -> dict[str, Record]:
    """Users by one of their identifiers; Braze IDs are asked for one by one."""
    unique = list({key_of(value): value for value in values}.values())
    told = {"fields_to_export": [*IDENTIFIERS[:2], "user_aliases", "custom_attributes", *wanted]}
    found: dict[str, Record] = {}
    for chunk in chunks(unique, 1 if name == "braze_id" else CHUNK):
        asked = (
            {"braze_id": chunk[0]} if name == "braze_id" else {f"{name}{'es' if name == 'user_alias' else 's'}": chunk}
        )
        answer = await line.post("users/export/ids", {**asked, **told})
        for user in answer["users"]:
            for value in user.get("user_aliases") or () if name == "user_alias" else (user[name],):
                found[key_of(value)] = user
    return found


def reads(settings: Mapping[str, Any], mapped: Iterable[Any]) -> bool:
    """Whether users are read before they are written: to save data points, or for what their aliases are."""
    return bool(settings.get("read_first", True)) or any(each.name.startswith(ALIAS) for each in mapped)


def existing_only(work: Work) -> bool:
    """Whether no user may be made."""
    return work.job.mode is Mode.UPDATE or work.operation is Operation.REMOVED


def unmatched(record: Record, name: str) -> RowResult | None:
    """The refusal of a row whose identifier is no such thing."""
    value = record.get(name)
    if value in (None, ""):
        return rejected(f"{name} is empty.", field=name)
    if name == "user_alias" and not (isinstance(value, dict) and {"alias_name", "alias_label"} <= value.keys()):
        return rejected("A user alias is an object with alias_name and alias_label.", field=name)
    return None


def key_of(value: Any) -> str:
    """An identifier as a key to compare by."""
    return f"{value['alias_label']}\0{value['alias_name']}" if isinstance(value, dict) else text(value)


def attributes_of(record: Record) -> Record:
    """What is written to a profile, in Braze's forms."""
    return {
        name: written(name, value)
        for name, value in record.items()
        if name not in IDENTIFIERS and not name.startswith(ALIAS)
    }


def written(name: str, value: Any) -> Any:
    """A value in the form that Braze wants of its own attributes."""
    if value is None or name not in ("dob", "email", "phone"):
        return value
    if name == "email":
        return text(value).lower()
    if name == "phone":
        return "".join(text(value).split()).lstrip("+")
    return moment(value, field=name).date().isoformat()


def aliases_of(record: Record) -> dict[str, str]:
    """The aliases of a row by label."""
    return {n.removeprefix(ALIAS): text(v) for n, v in record.items() if n.startswith(ALIAS) and v not in (None, "")}


def differing(told: Record, profile: Record | None, work: Work) -> Record:
    """The attributes that Braze does not have yet."""
    if profile is None or not work.settings.get("read_first", True):
        return told
    custom = profile.get("custom_attributes") or {}

    def there(name: str) -> tuple[bool, Any]:
        if name not in STANDARD:
            return True, custom.get(name)
        return name in COMPARED, written(name, profile.get(name))

    return {name: value for name, value in told.items() if there(name) != (True, value)}


def split_nulls(told: Record) -> tuple[Record, Record]:
    """Attributes to merge, and objects to replace: Braze takes no nulls inside of objects that it merges."""
    whole = {name: value for name, value in told.items() if isinstance(value, dict) and holds_null(value)}
    return {name: value for name, value in told.items() if name not in whole}, whole


def holds_null(value: Any) -> bool:
    """Whether there is a null anywhere inside."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(each is None or holds_null(each) for each in inner)


def note(results: list[RowResult], places: Sequence[int], answer: Any) -> None:
    """Write down what an answer says of the objects that were sent; what names no object is told, and refuses none."""
    for error in answer.get("errors") or ():
        at = error.get("index") if isinstance(error, dict) else None
        if isinstance(at, int) and 0 <= at < len(places):
            results[places[at]] = rejected(words(error))
            continue
        for place in places:
            if results[place] is ACCEPTED:
                results[place] = RowResult(True, words(error), "warning")


def words(error: Any) -> str:
    """Braze's words in one of its errors."""
    return str(error.get("message") or error.get("type") or error) if isinstance(error, dict) else str(error)


def chunks(values: Sequence[Any], size: int = CHUNK) -> list[Sequence[Any]]:
    """At most ``size`` at a time."""
    return [values[start : start + size] for start in range(0, len(values), size)]
