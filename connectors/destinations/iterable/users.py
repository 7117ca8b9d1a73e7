"""Users of Iterable: profiles, members of lists, subscriptions, and what can be done to a user."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import quote

from connectors.sdk.destination import ACCEPTED, Job, Mode, Removal, RowResult, rejected
from connectors.sdk.errors import BatchRejected
from connectors.sdk.rest import Line, Record, Results, Work, missing
from connectors.sdk.rest.work import NO_MATCH, NOTHING_TO_REMOVE, text
from connectors.sdk.types import Operation

AT_ONCE = 8
IDENTITIES = ("email", "userId")
LISTS = {"email": "Emails", "userId": "UserIds"}
WORDS = {"email": "e-mail address", "userId": "user ID"}
# What the lists in an answer's failedUpdates say of users, by the first part of their names.
REFUSED = {
    "invalid": "is not well-formed.",
    "invalidData": "has a field with a value that does not fit.",
    "notFound": "is not in Iterable.",
    "forgotten": "was forgotten: Iterable takes no data about this user.",
    "conflict": "belongs to another user already.",
}
UNKNOWN = frozenset({"UnknownEmailError", "UnknownUserIdError", "NotFound"})


async def write_users(work: Work) -> Results:
    """Bulk updates. Where no user may be made, they are looked up first, unless Iterable itself makes none."""
    if work.removing:
        return await work.each(partial(delete, work), at_once=AT_ONCE)
    if makes(work) or unmade(work.match, work.config):
        return await work.distinct(put, fold=fold_of(work))
    found = await work.look_up(partial(find, work), chunk=1, fold=fold_of(work), at_once=AT_ONCE)

    async def change(part: Work, ids: Sequence[str]) -> Results:
        return await put(part)

    return await work.by_match(found, update=change)


async def put(work: Work) -> Results:
    """One request for all."""
    users = [user_of(record, work) for record in work.records]
    body = {"users": users, "createNewFields": bool(work.settings["new_fields"])}
    answer = await work.line.post("api/users/bulkUpdate", body)
    return outcomes(work.records, answer, absent=None if makes(work) else NO_MATCH)


async def delete(work: Work, record: Record) -> RowResult | None:
    """Delete one user; one that is gone already is no error."""
    return missing(record, work.match) or await delete_user(work.line, work.match, text(record[work.match]))


async def delete_user(line: Line, name: str, value: str) -> RowResult | None:
    """Delete the user with this e-mail address or user ID."""
    path = f"api/users/{'' if name == 'email' else 'byUserId/'}{quote(value, safe='')}"
    answer = await line.send("DELETE", path, takes=(400, 404))
    if answer.ok:
        return None
    told = answer.json()
    return NOTHING_TO_REMOVE if told["code"] in UNKNOWN else rejected(f"{answer.status}: {told['msg']}")


async def find(work: Work, values: Sequence[str]) -> list[tuple[str, str]]:
    """Whether the user is there."""
    if work.match == "email":
        answer = await work.line.get("api/users/getByEmail", {"email": values[0]})
    else:
        answer = await work.line.get(f"api/users/byUserId/{quote(values[0], safe='')}")
    return [(values[0], values[0])] if answer.get("user") else []


async def write_list(work: Work) -> Results:
    """Put users into a list, with their fields, or take them out of it."""

    async def send(part: Work) -> Results:
        if work.leaving:
            who = [{work.match: text(record[work.match])} for record in part.records]
            answer = await work.line.post("api/lists/unsubscribe", {"listId": int(work.place), "subscribers": who})
            return outcomes(part.records, answer, absent=NOTHING_TO_REMOVE)
        users = [user_of(record, work) for record in part.records]
        only = bool(work.settings["existing_only"])
        body = {"listId": int(work.place), "subscribers": users, "updateExistingUsersOnly": only}
        return outcomes(part.records, await work.line.post("api/lists/subscribe", body))

    return await work.distinct(send, fold=fold_of(work))


async def write_subscriptions(work: Work) -> Results:
    """One request for all; Iterable carries it out in its own time and says nothing of single users."""
    path = f"api/subscriptions/{work.settings['group_kind']}/{work.settings['group']}"
    query = {"action": "unsubscribe" if work.leaving else "subscribe"}

    async def send(part: Work) -> Results:
        who = [text(record[work.match]) for record in part.records]
        body = {"users" if work.match == "email" else "usersByUserId": who}
        await work.line.send("PUT", path, json=body, query=query)
        return [ACCEPTED] * len(part)

    return await work.distinct(send, fold=fold_of(work))


async def write_actions(work: Work) -> Results:
    """Delete, forget or unforget users."""
    action = str(work.settings["action"])

    async def send(record: Record) -> RowResult | None:
        known = person(record, work.config)
        if action == "delete" and known:
            return await delete_user(work.line, *next(iter(known.items())))
        if known:
            await work.line.post(f"api/users/{action}", known)
        return missing(record, *IDENTITIES)

    return await work.each(send, at_once=1 if action != "delete" else AT_ONCE)


async def write_emails(work: Work) -> Results:
    """A new e-mail address for each user."""

    async def send(record: Record) -> RowResult | None:
        if refusal := missing(record, work.match) or missing(record, "newEmail"):
            return refusal
        body = {work.match: text(record[work.match]), "newEmail": text(record["newEmail"])}
        await work.line.post("api/users/updateEmail", body)
        return None

    return await work.each(send, at_once=4)


async def write_merges(work: Work) -> Results:
    """One user into another one, once."""
    record = work.records[0]
    source = person(record, work.config, ("sourceEmail", "sourceUserId"))
    target = person(record, work.config, ("destinationEmail", "destinationUserId"))
    if not source or not target:
        empty = "destinationEmail" if source else "sourceEmail"
        return [rejected("A source and a destination are needed.", field=empty)]
    await work.line.post("api/users/merge", {**source, **target})
    return [ACCEPTED]


def user_of(record: Record, work: Work) -> Record:
    """A user as bulk requests take one: known by one identity, everything else is a field."""
    told: Record = {work.match: text(record[work.match])}
    if makes(work) and unmade(work.match, work.config):
        told["preferUserId"] = True
    if rest := {name: value for name, value in record.items() if name != work.match}:
        told["dataFields"] = rest
        if work.settings["merge_objects"]:
            told["mergeNestedObjects"] = True
    return told


def person(record: Record, config: Mapping[str, Any], names: Sequence[str] = ("email", "userId")) -> Record:
    """The one identity that a request may name: where a row has both, the kind of project decides."""
    ordered = names if (config.get("project") or "email") == "email" else names[::-1]
    known = [name for name in ordered if record.get(name) not in (None, "")]
    return {known[0]: text(record[known[0]])} if known else {}


def outcomes(records: Sequence[Record], answer: Any, *, absent: RowResult | None = None) -> list[RowResult]:
    """What became of each user; ``absent`` is the result of those that Iterable does not know."""
    told = {key: absent if absent and kind == "notFound" else words for key, (kind, words) in refused(answer).items()}
    if answer["failCount"] and not told:
        raise BatchRejected(f"Iterable refused {answer['failCount']} of {len(records)} and does not say which.")
    results: list[RowResult] = []
    for record in records:
        named = ((name, text(record[name]).lower()) for name in IDENTITIES if record.get(name) is not None)
        results.append(next((told[each] for each in named if each in told), ACCEPTED))
    return results


def refused(answer: Any) -> dict[tuple[str, str], tuple[str, RowResult]]:
    """Whom an answer names: by kind of identity and value, why and in which words."""
    failed = answer.get("failedUpdates") or answer  # older answers have some of the lists themselves
    return {
        (name, value.lower()): (kind, rejected(f"The {WORDS[name]} “{value}” {words}", field=name))
        for kind, words in REFUSED.items()
        for name, lists in LISTS.items()
        for value in failed.get(kind + lists) or ()
    }


def makes(work: Work) -> bool:
    """Whether users that are missing are made."""
    if work.job.sync_type == "list":
        return not work.settings["existing_only"]
    return work.job.mode is Mode.UPSERT and work.operation is not Operation.REMOVED


def unmade(match: str, config: Mapping[str, Any]) -> bool:
    """Whether Iterable makes no user unless it is told to: those named by user ID in projects that know e-mails."""
    return match == "userId" and (config.get("project") or "email") == "email"


def looks(job: Job, config: Mapping[str, Any]) -> bool:
    """Whether any batch of this job takes a request for each of its rows."""
    if job.removal is Removal.DELETE:
        return True
    only = job.mode is Mode.UPDATE or job.removal is Removal.CLEAR
    return only and not unmade(job.identifiers[0] if job.identifiers else "", config)


def fold_of(work: Work) -> Callable[[str], str]:
    """E-mail addresses are the same in capitals and small letters; user IDs are not."""
    return str.lower if work.match == "email" else str
