"""Identifiers of people: what vendors' documentations show as input and outcome, and what cannot be read."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.sdk import people
from connectors.sdk.people import Identifier, Normalising, Person

EMAIL = Identifier(name="email", label="E-mail", normal=people.email, many=True)
PHONE = Identifier(name="phone", label="Phone", normal=people.without_plus, phone=True)
FIRST = Identifier(name="fn", label="First name", normal=people.name)
KNOWN = (EMAIL, PHONE, FIRST)


def written(record: Mapping[str, Any], settings: Mapping[str, Any]) -> Person:
    """The person of a record; a second record with the same values must come to the same."""
    normalising = Normalising(KNOWN, record, settings)
    person = normalising.person(record)
    assert normalising.person(record) == person
    return person


@pytest.mark.parametrize(
    ("identifier", "value", "expected"),
    [
        # As Meta shows them for its parameters em, ph, fn.
        (EMAIL, "John_Smith@gmail.com", "62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f"),
        (PHONE, "(650)555-1212", "e323ec626319ca94ee8bff2e4c87cf613be6ea19919ed1364124e16807ab3176"),
        (FIRST, "Mary", "6915771be1c5aa0c886870b6951b03d7eafc121fea0e80a5ea83beb7c449f4ec"),
        (FIRST, "정", "8fa8cd9c440be61d0151429310034083132b35975c4bea67fdd74158eb51db14"),
        (FIRST, "Valéry", "08e1996b5dd49e62a4b4c010d44e4345592a863bb9f8e3976219bac29417149c"),
        (
            EMAIL,
            "62A14E44F765419D10FEA99367361A727C12365E2520F32218D505ED9AA0F62F",
            "62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f",
        ),
    ],
)
def test_values_are_hashed_as_vendors_document(identifier: Identifier, value: str, expected: str) -> None:
    person = written({identifier.name: value}, {"phone_country": "us"})
    assert person.first(identifier.name) == expected


@pytest.mark.parametrize(
    ("normal", "value", "expected"),
    [
        (people.google_email, " Cloudy.SanFrancisco+shopping@gmail.com ", "cloudysanfrancisco@gmail.com"),
        (people.google_email, "user.name+NYC@Example.com", "user.name+nyc@example.com"),
        (people.place, "São Paulo 2.", "sãopaulo"),
        (people.postcode, "94035-1234", "94035"),
        (people.postcode, "M1 1AE", "m11ae"),
        (people.country, "DE", "de"),
        (people.gender, "Female", "f"),
        (people.birthday, "1997-02-16", "19970216"),
        (people.birthday, "1997-02-16T00:00:00+00:00", "19970216"),
        (people.name, " O'Brien-Müller  2nd ", "obrienmüller nd"),
    ],
)
def test_rules(normal: Any, value: str, expected: str) -> None:
    assert normal(value) == expected


@pytest.mark.parametrize(
    ("value", "country", "expected"),
    [
        ("+49 (0)151 234-56789", "", "+4915123456789"),
        ("0151 23456789", "DE", "+4915123456789"),
        ("0049 151 23456789", "", "+4915123456789"),
        ("16505551212", "", "+16505551212"),
        ("447911123456", "US", "+447911123456"),
    ],
)
def test_phones_in_e164(value: str, country: str, expected: str) -> None:
    assert people.in_e164(value, country) == expected


def test_what_cannot_be_read_is_left_out_and_told() -> None:
    person = written({"email": ["a@x.test", "nobody", None, ""], "phone": "555", "fn": None}, {})
    assert person.refusal is None
    assert person.values == {"email": [hashlib.sha256(b"a@x.test").hexdigest()]}
    assert person.result.accepted
    assert person.result.message == (
        "E-mail is not an e-mail address; it was left out. "
        "Phone is not a phone number with a country code; it was left out."
    )


def test_a_row_that_nothing_identifies_is_refused() -> None:
    refused = written({"email": "nobody"}, {}).refusal
    assert refused is not None
    assert not refused.accepted
    assert "E-mail is not an e-mail address" in refused.message
    assert written({"email": None}, {}).refusal is not None


def test_values_are_sent_as_they_are_where_the_model_hashes() -> None:
    assert written({"email": " A@X.test"}, {"hashing": "none"}).first("email") == " A@X.test"


@given(st.text(max_size=60))
def test_no_value_breaks_a_row(value: str) -> None:
    """Whatever is in a column: a hash, or a reason; never what was given."""
    person = written({"email": value, "phone": value, "fn": value}, {})
    for several in person.values.values():
        assert all((len(each) == 64 and each != value) or people._HASHES["sha256"].fullmatch(value) for each in several)
