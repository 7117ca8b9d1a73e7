"""A source whose driver is missing says what to install; a failure of Snowflake's says what to change."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from connectors.registry import source_class
from connectors.sdk.context import Environment, Workload
from connectors.sdk.errors import AuthError, ConfigError, ConnectorError, QueryError, Unavailable
from connectors.sdk.snowflake import account_of, connect_error, host_of, session_of, statement_error


def test_a_missing_driver_is_named_with_the_way_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "snowflake.connector", None)
    with pytest.raises(ConfigError, match="snowflake-connector-python is not installed") as caught:
        source_class("snowflake")({}, Environment()).check()
    assert "make drivers" in caught.value.hint


@pytest.mark.parametrize(
    ("code", "words", "expected"),
    [
        (390100, "Incorrect username or password was specified.", AuthError),
        (390144, "JWT token is invalid.", AuthError),
        (390189, "Role 'X' specified in the connect string is not granted to this user.", ConfigError),
        (390422, "IP/Token is not allowed to access Snowflake.", AuthError),
        (290404, "404 Not Found: post acme.snowflakecomputing.com", ConfigError),
        (250001, "Could not connect to Snowflake backend after 2 attempt(s).", Unavailable),
    ],
)
def test_each_way_not_to_connect_to_snowflake(code: int, words: str, expected: type[ConnectorError]) -> None:
    found = connect_error(SimpleNamespace(errno=code, msg=f"{code:06d} (08001): {words}"), "acme")
    assert type(found) is expected
    assert words in found.message
    assert found.hint


@pytest.mark.parametrize(
    ("code", "expected", "hint"),
    [
        (604, QueryError, ""),
        (630, QueryError, "time limit"),
        (606, ConfigError, "warehouse"),
        (90105, ConfigError, "database"),
        (3001, AuthError, "Grant"),
        (250003, Unavailable, "starts over"),
        (2003, QueryError, ""),
    ],
)
def test_each_refusal_of_a_statement(code: int, expected: type[ConnectorError], hint: str) -> None:
    found = statement_error(SimpleNamespace(errno=code, msg=f"{code:06d} (42S02): said"))
    assert type(found) is expected
    assert hint in found.hint


def test_the_place_of_an_error_is_found_in_the_query() -> None:
    words = "000904 (42000): SQL compilation error: error line 2 at position 7\ninvalid identifier 'NOBODY'"
    found = statement_error(SimpleNamespace(errno=904, msg=words), "SELECT 1,\n       nobody\nFROM t")
    assert isinstance(found, QueryError)
    assert found.position == len("SELECT 1,\n       ")


def test_the_account_may_be_pasted_as_an_address_and_sessions_say_what_they_are_for() -> None:
    for pasted in ("acme-x", "https://acme-x.snowflakecomputing.com/", "acme-x.snowflakecomputing.com"):
        assert account_of({"account": pasted}) == "acme-x"
    assert host_of("acme-my_account") == "acme-my-account.snowflakecomputing.com"
    assert host_of("xy12345.cn-north-1.aws") == "xy12345.cn-north-1.aws.snowflakecomputing.cn"
    session = session_of({"statement_timeout": 60}, Environment(workload=Workload.BATCH))
    assert session["STATEMENT_TIMEOUT_IN_SECONDS"] == 60
    assert '"batch"' in session["QUERY_TAG"]
