"""What identifies people, as ad platforms want it: normalised by each vendor's own rules, then hashed.

A connector names its :class:`Identifier` fields; :class:`Normalising` makes of a record what may
be sent. A value that no rule can read is left out where others identify the row as well, and
the row's result says so; a row that nothing identifies is refused.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import phonenumbers

from connectors.sdk.destination import ACCEPTED, DestinationField, FanOut, RowResult, rejected
from connectors.sdk.errors import BatchRejected
from connectors.sdk.fields import Select, Text
from connectors.sdk.rest.times import moment
from connectors.sdk.rest.work import Record, Results, Work, text
from connectors.sdk.types import Choice, ColumnType

Normal = Callable[[str], str]  # raises ValueError with what is wrong
Written = tuple[Sequence[str], Sequence[str]]  # values as they are sent, and what was left out, in words
NOBODY = "Nothing identifies this person"

HASHING = Select(
    name="hashing",
    label="Personal data",
    style="cards",
    default="auto",
    choices=(
        Choice("auto", "Normalise and hash", "Values that are hashes already are sent as they are."),
        Choice("none", "Send as it is", "The model's values are normalised and hashed already."),
    ),
)
PHONE_COUNTRY = Text(
    name="phone_country",
    label="Country of phone numbers",
    help="Two letters, such as US: for numbers that begin without + and a country code.",
    required=False,
    pattern=r"[A-Za-z]{2}",
    pattern_hint="two letters",
)
_DIGESTS = {"sha256": hashlib.sha256, "sha512": hashlib.sha512, "md5": hashlib.md5}
_HASHES = {
    "sha256": re.compile(r"[0-9a-fA-F]{64}"),
    "sha512": re.compile(r"[0-9a-fA-F]{128}"),
    "md5": re.compile(r"[0-9a-fA-F]{32}"),
}
_SHORTEST_HASH = 32
_PLUS_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
_BETWEEN_DIGITS = re.compile(r"[\s().\-/\u2010-\u2015]")
_NO_LETTER = re.compile(r"[^0-9a-z]")
_GMAIL = ("gmail.com", "googlemail.com")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identifier:
    """A field that identifies a person. ``hashed`` names the hash it is sent as; empty: it is sent in the clear.

    ``phone``: the value is a phone number, which ``normal`` gets in E.164.
    ``many``: an array in this field is several values of one record. ``linked``: where it is several
    members, their names, addresses and the like go together by their place.
    """

    name: str
    label: str
    normal: Normal = str
    hashed: str = "sha256"
    phone: bool = False
    many: bool = False
    linked: bool = False
    description: str = ""

    @property
    def field(self) -> DestinationField:
        """The field that rows are mapped to."""
        kind = ColumnType.UNKNOWN if self.many else ColumnType.STRING
        return DestinationField(name=self.name, label=self.label, type=kind, description=self.description)

    @property
    def member(self) -> DestinationField:
        """The field in lists of people, which an array makes several members of."""
        if self.many:
            return self.field
        return replace(self.field, fan_out=FanOut.LINKED if self.linked else FanOut.INDEPENDENT)

    def write(self, value: Any, country: str = "") -> str:
        """The value as it is sent; raises ``ValueError`` with what is wrong with it."""
        told = text(value)
        if self.hashed and len(told) >= _SHORTEST_HASH and _HASHES[self.hashed].fullmatch(told.strip()):
            return told.strip().lower()
        plain = self.normal(in_e164(told, country) if self.phone else told)
        if not plain:
            raise ValueError("is empty")
        return digest(plain, self.hashed) if self.hashed else plain


@dataclass(frozen=True, slots=True)
class Person:
    """A record's identifiers as they are sent, and what was left out of them, in words."""

    values: Mapping[str, Sequence[str]]
    left_out: Sequence[str] = ()

    def first(self, name: str) -> str:
        """The first value of a field; empty where there is none."""
        return next(iter(self.values.get(name, ())), "")

    @property
    def refusal(self) -> RowResult | None:
        """Why the row cannot be sent: nothing identifies anybody."""
        if self.values:
            return None
        return rejected(f"{NOBODY}{': ' if self.left_out else '.'}{' '.join(self.left_out)}")

    @property
    def result(self) -> RowResult:
        """The result of a row that was taken."""
        return RowResult(True, " ".join(self.left_out), "left_out") if self.left_out else ACCEPTED


class Normalising:
    """Makes persons of the records of one batch; a value that comes again is normalised and hashed once.

    ``names`` are the fields that records have; ``settings`` those of the sync (:data:`HASHING`, :data:`PHONE_COUNTRY`).
    """

    def __init__(self, identifiers: Iterable[Identifier], names: Iterable[str], settings: Mapping[str, Any]) -> None:
        known = set(names)
        self._fields: list[tuple[Identifier, dict[str, Written]]] = [(i, {}) for i in identifiers if i.name in known]
        self._as_is = settings.get("hashing") == "none"
        self._country = str(settings.get("phone_country") or "").upper()

    def person(self, record: Mapping[str, Any]) -> Person:
        """What identifies the person of a record."""
        values: dict[str, Sequence[str]] = {}
        left_out: Sequence[str] = ()
        for identifier, before in self._fields:
            value = record.get(identifier.name)
            if value is None:
                continue
            if not isinstance(value, str):
                known, notes = self._written(identifier, value)
            elif value in before:
                known, notes = before[value]
            else:
                known, notes = before[value] = self._written(identifier, value)
            if known:
                values[identifier.name] = known
            if notes:
                left_out = (*left_out, *notes)
        return Person(values, left_out)

    def _written(self, identifier: Identifier, value: Any) -> Written:
        if isinstance(value, str) and not self._as_is:  # as below, for what most values are
            try:
                return ([identifier.write(value, self._country)], ()) if value and not value.isspace() else ((), ())
            except ValueError as error:
                return (), (f"{identifier.label} {error}; it was left out.",)
        known: list[str] = []
        notes: list[str] = []
        for each in listed(value):
            try:
                known.append(text(each) if self._as_is else identifier.write(each, self._country))
            except ValueError as error:
                notes.append(f"{identifier.label} {error}; it was left out.")
        return known, notes


async def sent_together(
    work: Work,
    identifiers: Iterable[Identifier],
    make: Callable[[Record, Person, str], Any],
    send: Callable[[list[Any]], Awaitable[Results | None]],
) -> Results:
    """One request for the people of a batch.

    ``make`` turns a record, its person and its event id into its part of the request, or into the row's refusal;
    nothing: nothing identifies anybody. ``send`` sends the parts, and may answer for each; of those that are taken,
    the results say what was left out.
    """
    notes: list[RowResult] = []
    normalising = Normalising(identifiers, work.batch.rows.schema.names, work.settings)

    def part_of(record: Record, made: str) -> Any:
        person = normalising.person(record)
        part = make(record, person, made)
        if part is None:
            return person.refusal or rejected(f"{NOBODY}.")
        if not isinstance(part, RowResult):
            notes.append(person.result)
        return part

    async def send_parts(parts: list[Any]) -> Results:
        told = await send(parts) or notes
        return [note if each.accepted and not each.message else each for each, note in zip(told, notes, strict=True)]

    return await work.together(part_of, send_parts)


def listed(value: Any) -> list[Any]:
    """One value or several, without those that say nothing."""
    if isinstance(value, str):
        return [value] if value and not value.isspace() else []
    several = value if isinstance(value, list | tuple) else [value]
    return [each for each in several if each is not None and str(each).strip()]


def digest(plain: str, algorithm: str = "sha256") -> str:
    """The hash of a normalised value in UTF-8, as hexadecimal digits in lower case."""
    return _DIGESTS[algorithm](plain.encode(), usedforsecurity=False).hexdigest()


def email(value: str) -> str:
    """In lower case, without any white space."""
    plain = "".join(value.lower().split())
    name, at, domain = plain.rpartition("@")
    if not (name and at and "." in domain):
        raise ValueError("is not an e-mail address")
    return plain


def google_email(value: str) -> str:
    """As :func:`email`; of Gmail's own addresses the dots and what follows a plus are left out, as Google asks."""
    name, _, domain = email(value).rpartition("@")
    return f"{name.partition('+')[0].replace('.', '')}@{domain}" if domain in _GMAIL else f"{name}@{domain}"


def uid2_email(value: str) -> str:
    """As :func:`email`; of addresses at gmail.com the dots and what follows a plus are left out, as UID2 asks."""
    plain = email(value)
    return google_email(plain) if plain.endswith("@gmail.com") else plain


def letters_email(value: str) -> str:
    """As :func:`email`; of the name only letters and digits, without what follows a plus, as Reddit asks."""
    name, _, domain = email(value).rpartition("@")
    if not (plain := _NO_LETTER.sub("", name.partition("+")[0])):
        raise ValueError("is not an e-mail address")
    return f"{plain}@{domain}"


def without_plus(value: str) -> str:
    """E.164 without the plus."""
    return value.removeprefix("+")


def in_e164(value: str, country: str) -> str:
    """A number in E.164; numbers without a country code are of ``country``."""
    # “+49 (0)151 …”: the zero is for those who call from within the country.
    value = value.strip()
    bare = _BETWEEN_DIGITS.sub("", value.replace("(0)", "") if value.startswith("+") else value)
    if _PLUS_NUMBER.fullmatch(bare):
        return bare
    return _parsed_phone(bare, country)


@lru_cache(maxsize=10_000)
def _parsed_phone(value: str, country: str) -> str:
    readings = ((value, country or None), (f"+{value.removeprefix('00')}", None))
    for told, region in readings:
        try:
            number = phonenumbers.parse(told, region)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_possible_number(number):
            return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    raise ValueError("is not a phone number" if country else "is not a phone number with a country code")


def name(value: str) -> str:
    """In lower case, without punctuation and digits, letters of any script kept; single spaces stay."""
    if value.isascii() and value.isalpha():
        return value.lower()
    kept = (c for c in value.lower() if not unicodedata.category(c).startswith(("P", "S", "N", "C")))
    return " ".join("".join(kept).split())


def lower(value: str) -> str:
    """In lower case, without white space around it."""
    return value.strip().lower()


def place(value: str) -> str:
    """A city or state: in lower case, letters only, also without spaces."""
    return "".join(c for c in value.lower() if unicodedata.category(c).startswith(("L", "M")))


def postcode(value: str) -> str:
    """In lower case, without spaces; of American codes the first five digits."""
    return "".join(value.lower().split()).partition("-")[0]


def country(value: str) -> str:
    """Two letters in lower case (ISO 3166-1)."""
    plain = value.strip().upper()
    if plain not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError("is not a country of two letters")
    return plain.lower()


def gender(value: str) -> str:
    """``m`` or ``f``."""
    plain = value.strip().lower()[:1]
    if plain not in ("m", "f"):
        raise ValueError("is neither m nor f")
    return plain


def birthday(value: str) -> str:
    """``YYYYMMDD``."""
    digits = re.sub(r"\D", "", value)
    if len(digits) == 8 and digits[:2] in ("19", "20"):
        return digits
    try:
        return f"{moment(value):%Y%m%d}"
    except BatchRejected as error:
        raise ValueError("is not a date") from error


def device(value: str) -> str:
    """An advertising id of a phone: in lower case, with its dashes."""
    return value.strip().lower()


def digits(length: int) -> Normal:
    """A number of this many digits, zeros in front where it is shorter."""

    def normal(value: str) -> str:
        plain = value.strip().zfill(length)
        if not (plain.isdigit() and len(plain) == length):
            raise ValueError(f"is not a number of {length} digits")
        return plain

    return normal
