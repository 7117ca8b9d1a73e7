"""Whom a row is about: every ID that The Trade Desk knows people by, and items of requests made of them.

https://partner.thetradedesk.com/v3/portal/data/doc/post-data-advertiser-firstparty
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.destinations.tradedesk import uid2
from connectors.sdk import people
from connectors.sdk.destination import RowResult, rejected
from connectors.sdk.errors import BatchRejected
from connectors.sdk.people import NOBODY, Identifier, Normalising, Person
from connectors.sdk.rest import Record, Results, Work, field
from connectors.sdk.rest.work import text
from connectors.sdk.rows import dumps

KNOWN = {
    "TDID": "Trade Desk GUID (TDID)",
    "DAID": "Raw device ID (DAID)",
    "UID2": "UID2",
    "UID2Token": "UID2 token",
    "EUID": "EUID",
    "EUIDToken": "EUID token",
    "RampID": "RampID",
}
MORE = {"ID5": "ID5 (decrypted)", "netID": "netID", "FirstId": "First-id"}
# What UID2s are made of.
CONTACTS = (
    Identifier(name="email", label="E-mail", normal=people.uid2_email, description="Becomes a UID2. Or its SHA-256."),
    Identifier(name="phone", label="Phone", phone=True, description="Becomes a UID2. Or its SHA-256."),
)
CONTACT_FIELDS = tuple(each.field for each in CONTACTS)
FIELDS = tuple(field(name, label) for name, label in KNOWN.items())
ALL_FIELDS = (*FIELDS, *(field(name, label) for name, label in MORE.items()))
_KIND = {"email": "email_hash", "phone": "phone_hash"}


@dataclass(frozen=True, slots=True)
class Whom:
    """The IDs of one row with their kinds, and what was left out of them, in words."""

    ids: Sequence[tuple[str, str]]
    notes: Sequence[str] = ()

    @property
    def refusal(self) -> RowResult:
        """Why a row without IDs cannot be sent."""
        return rejected(f"{NOBODY}: {' '.join(self.notes)}" if self.notes else f"{NOBODY}.")

    def result(self, failures: Sequence[str] = ()) -> RowResult:
        """The result of a row of which something was taken."""
        notes = " ".join([*self.notes, *failures])
        return RowResult(True, notes, "left_out" if notes else "")


async def whom(work: Work, names: Sequence[str]) -> list[Whom]:
    """Whom each row is about: IDs of these kinds, and UID2s of its e-mail address and phone number."""
    normalising = Normalising(CONTACTS, work.batch.rows.schema.names, work.settings)
    persons = [normalising.person(record) for record in work.records]
    asked = [_hashes(person) for person in persons]
    found = await uid2.look_up(work.line, work.config, [each for hashes in asked for each in hashes])
    return [
        _told(record, person, hashes, found, names)
        for record, person, hashes in zip(work.records, persons, asked, strict=True)
    ]


def _hashes(person: Person) -> list[uid2.Asked]:
    return [(_KIND[name], uid2.in_base64(value)) for name, values in person.values.items() for value in values]


def _told(
    record: Record,
    person: Person,
    hashes: Sequence[uid2.Asked],
    found: Mapping[uid2.Asked, tuple[str, str]],
    names: Sequence[str],
) -> Whom:
    ids = [(name, text(record[name])) for name in names if record.get(name) not in (None, "")]
    ids += [("UID2", found[each][0]) for each in hashes if found[each][0]]
    why = [f"No UID2 ({found[each][1] or 'unknown'})." for each in hashes if not found[each][0]]
    return Whom(list(dict.fromkeys(ids)), [*person.left_out, *why])


def signature(secret: str, body: bytes) -> str:
    """What proves who sends a body."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha1).digest()).decode()


async def signed(work: Work, url: str, secret: str, body: Record) -> dict[int, str]:
    """Send items; why the Trade Desk refused some of them, by place."""
    plain = dumps(body)
    response = await work.line.send(
        "POST",
        url,
        body=plain,
        content_type="application/json",
        headers={"TtdSignature": signature(secret, plain)},
        takes=(400,),
    )
    told = response.json() if response.body.strip() else {}
    failed = told.get("FailedLines") or ()
    if not response.ok and not failed:
        raise BatchRejected(f"{response.status}: {str(told.get('Message') or told)[:300]}")
    return {int(each["ItemNumber"]) - 1: f"{each['Message']} ({each['ErrorCode']})" for each in failed}


async def in_items(work: Work, url: str, secret: str, whole: Record, more: Mapping[str, Any]) -> Results:
    """An item for each ID, all in one request; a row is refused if nothing of it was taken."""
    rows = await whom(work, (*KNOWN, *MORE))
    items = [(place, {name: value, **more}) for place, each in enumerate(rows) for name, value in each.ids]
    if not items:
        return [each.refusal for each in rows]
    failed = await signed(work, url, secret, {**whole, "Items": [item for _, item in items]})
    failures: dict[int, list[str]] = {}
    for number, (place, _) in enumerate(items):
        if number in failed:
            failures.setdefault(place, []).append(failed[number])
    return [outcome(each, failures.get(place, [])) for place, each in enumerate(rows)]


def outcome(row: Whom, failures: Sequence[str]) -> RowResult:
    """What became of a row of which these items were refused."""
    if not row.ids:
        return row.refusal
    return rejected("; ".join(failures)) if len(failures) == len(row.ids) else row.result(failures)
