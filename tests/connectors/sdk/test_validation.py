"""Raw settings against declarations: what is kept, what is split out as secret, what is refused and in which words."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.sdk.fields import Field, FileUpload, KeyValues, Number, Section, Select, Text, Toggle, When
from connectors.sdk.types import Choice
from connectors.sdk.validation import (
    InvalidSettings,
    assemble,
    clean,
    json_schema,
    scrub,
    secret_paths,
    with_defaults,
)

FIELDS: tuple[Field, ...] = (
    Text(name="host", label="Host", pattern=r"[a-z.]+", pattern_hint="Leave out https:// and the slash."),
    Number(name="port", label="Port", default=5432, minimum=1, maximum=65535),
    Select(
        name="auth",
        label="Sign-in",
        default="password",
        choices=(Choice("password", "Password"), Choice("key", "Key pair")),
    ),
    Text(name="password", label="Password", secret=True, when=When(field="auth", values=("password",))),
    FileUpload(name="key", label="Private key", secret=True, when=When(field="auth", values=("key",)), max_bytes=100),
    Toggle(name="tls", label="TLS", default=True),
    KeyValues(name="headers", label="Headers", secret_rows=True),
    Section(
        name="proxy",
        label="Proxy",
        fields=(
            Text(name="url", label="URL"),
            Text(name="token", label="Token", secret=True, required=False),
        ),
    ),
)


def errors(raw: dict[str, Any], stored: dict[str, Any] | None = None) -> dict[str, str]:
    with pytest.raises(InvalidSettings) as refused:
        clean(FIELDS, raw, stored=stored)
    return refused.value.errors


def test_defaults_fill_in_and_secrets_leave_the_configuration() -> None:
    done = clean(FIELDS, {"host": " db.example.com ", "password": "pa ss "})
    assert done.config == {
        "host": "db.example.com",
        "port": 5432,
        "auth": "password",
        "tls": True,
        "headers": [],
        "proxy": None,
    }
    assert done.secrets == {"password": "pa ss "}


def test_every_error_is_told_at_once_at_its_own_path() -> None:
    found = errors({"host": "https://db", "port": "many", "auth": "fax", "proxy": {}, "colour": "red"})
    assert found == {
        "host": "Leave out https:// and the slash.",
        "port": "Enter a number.",
        "auth": "“fax” is not one of the choices: Password, Key pair.",
        "proxy.url": "Enter the URL.",
        "colour": "There is no setting called “colour”.",
    }


@pytest.mark.parametrize(
    ("port", "words"),
    [
        (0, "Enter a number from 1 to 65,535."),
        ("1.5", "Enter a whole number."),
        (True, "Enter a number."),
        ("nan", "Enter a number."),
        ("1e999", "Enter a number."),
    ],
)
def test_numbers_outside_what_is_declared_are_refused(port: Any, words: str) -> None:
    assert errors({"host": "db", "password": "x", "port": port}) == {"port": words}


def test_a_blank_secret_keeps_the_stored_one_and_null_removes_an_optional_one() -> None:
    stored = {"password": "old", "proxy.token": "t"}
    raw = {"host": "db", "password": "", "proxy": {"url": "http://p", "token": None}}
    assert clean(FIELDS, raw, stored=stored).secrets == {"password": "old"}


def test_a_required_secret_cannot_be_removed_or_left_out() -> None:
    assert errors({"host": "db", "password": None}, {"password": "old"}) == {"password": "Enter the password."}
    assert errors({"host": "db"}) == {"password": "Enter the password."}


def test_a_secret_whose_condition_no_longer_holds_is_forgotten() -> None:
    done = clean(FIELDS, {"host": "db", "auth": "key", "key": "PEM"}, stored={"password": "old"})
    assert done.secrets == {"key": "PEM\n"}


def test_secret_rows_are_split_out_by_name_and_come_back_in_their_place() -> None:
    rows = [{"name": "X-Team", "value": "growth"}, {"name": "X-Key", "value": "k1", "secret": True}]
    done = clean(FIELDS, {"host": "db", "password": "p", "headers": rows})
    assert done.config["headers"] == [
        {"name": "X-Team", "value": "growth", "secret": False},
        {"name": "X-Key", "value": "", "secret": True},
    ]
    assert assemble(done.config, done.secrets)["headers"][1]["value"] == "k1"
    kept = clean(FIELDS, {**done.config, "host": "dbx"}, stored=done.secrets)
    assert kept.secrets == done.secrets


@pytest.mark.parametrize("name", ["Authorization", "X-Api-Key", "apikey", "Cookie", "X-Auth-Token", "client_secret"])
def test_rows_named_like_credentials_are_secret_whatever_was_ticked(name: str) -> None:
    done = clean(FIELDS, {"host": "db", "password": "p", "headers": [{"name": name, "value": "v", "secret": False}]})
    assert done.config["headers"] == [{"name": name, "value": "", "secret": True}]


def test_rows_that_would_split_a_request_or_hide_each_other_are_refused() -> None:
    twice = [{"name": "K", "value": "1", "secret": True}, {"name": "K", "value": "2", "secret": True}]
    assert errors({"host": "db", "password": "p", "headers": twice}) == {"headers": "Two secret rows are called “K”."}
    split = [{"name": "K", "value": "1\r\nHost: evil"}]
    assert errors({"host": "db", "password": "p", "headers": split}) == {"headers": "“K” contains a line break."}


def test_files_have_a_size_and_are_text() -> None:
    assert errors({"host": "db", "auth": "key", "key": "x" * 101}) == {"key": "The file is larger than 0.0001 MB."}
    assert errors({"host": "db", "auth": "key", "key": "\0"}) == {"key": "This is not a text file."}


def test_sections_are_off_unless_given_and_nested_in_the_result() -> None:
    done = clean(FIELDS, {"host": "db", "password": "p", "proxy": {"url": "http://p", "token": "t"}})
    assert done.config["proxy"] == {"url": "http://p"}
    assert done.secrets["proxy.token"] == "t"
    assert assemble(done.config, done.secrets)["proxy"] == {"url": "http://p", "token": "t"}


def test_settings_declared_later_get_their_default_when_opened() -> None:
    assert with_defaults(FIELDS, {"host": "db"})["port"] == 5432


def test_what_was_cleaned_is_clean() -> None:
    rows = [{"name": "a", "value": "b"}]
    done = clean(FIELDS, {"host": "db", "password": "p", "proxy": {"url": "u"}, "headers": rows})
    again = clean(FIELDS, done.config, stored=done.secrets)
    assert (again.config, again.secrets) == (done.config, done.secrets)


def test_a_cleaned_value_never_shows_its_secrets() -> None:
    assert "hunter2" not in repr(clean(FIELDS, {"host": "db", "password": "hunter2"}))


def test_scrubbing_takes_out_values_lines_of_keys_and_passwords_in_urls() -> None:
    secrets = {"password": "hunter2", "key": "-----BEGIN-----\nMIIEabcdef0123456789\n-----END-----\n"}
    text = "login hunter2 failed; MIIEabcdef0123456789; postgres://u:p4ss@h/db"
    assert scrub(text, secrets) == "login •••• failed; ••••; postgres://u:••••@h/db"


def test_the_schema_says_what_is_required_allowed_and_write_only() -> None:
    schema = json_schema(FIELDS)
    assert schema["required"] == ["host"]
    assert schema["properties"]["password"]["writeOnly"] is True
    assert schema["properties"]["auth"]["enum"] == ["password", "key"]
    assert schema["properties"]["proxy"]["properties"]["url"] == {
        "title": "URL",
        "type": "string",
        "maxLength": 2000,
    }
    assert list(secret_paths(FIELDS)) == ["password", "key", "proxy.token"]
