"""Talking to Snowflake: sign-in, what each failure means, and how its types are read."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import pyarrow as pa
from sqlglot import exp

from connectors.sdk.context import Environment
from connectors.sdk.drivers import driver
from connectors.sdk.errors import AuthError, ConfigError, ConnectorError, QueryError, Unavailable
from connectors.sdk.net.relay import proxied
from connectors.sdk.readings import Described, Reading
from connectors.sdk.tunnels import route
from connectors.sdk.types import Column, ColumnType

PACKAGE = "snowflake-connector-python"
_DOMAIN = ".snowflakecomputing."
_PORT = 443
# Signing in; asking again after a failure. A query that runs long is asked after in short requests.
_LOGIN_S, _NETWORK_S = 30, 120
_PLACE = re.compile(r"error line (?P<line>\d+) at position (?P<column>\d+)")
_AGAIN = "The first connection may take long while the warehouse wakes up: test again."

Connection = Any  # the driver's, which may not be installed


def connector() -> Any:
    """The driver."""
    return driver("snowflake.connector", PACKAGE)


def account_of(config: Mapping[str, Any]) -> str:
    """The account's identifier, also where somebody pasted its whole address."""
    text = str(config.get("account") or "").strip()
    return text.removeprefix("https://").partition("/")[0].removesuffix(f"{_DOMAIN}com").removesuffix(f"{_DOMAIN}cn")


def host_of(account: str) -> str:
    """Where the account is reached: names of hosts have no underscores, and those in China an ending of their own."""
    region = account.partition(".")[2].lower()
    return f"{account.replace('_', '-')}{_DOMAIN}{'cn' if region.startswith('cn-') else 'com'}"


@contextmanager
def connect(config: Mapping[str, Any], environment: Environment, **place: Any) -> Iterator[Connection]:
    """A connection, signed in; ``place`` is where a stand-in answers instead of Snowflake. Raises typed errors.

    Whatever the driver calls, the buckets of large results included, it calls through a proxy of ours.
    """
    library = connector()
    account = account_of(config)
    host = str(place.get("host") or host_of(account))
    route(environment, host, int(place.get("port") or _PORT))  # the proxy would judge it, in words of the driver's
    with proxied(environment) as proxy:
        try:
            connection = library.connect(
                **{"host": host, **place},
                **_proof(config),
                proxy_host="127.0.0.1",
                proxy_port=str(proxy),
                no_proxy="",  # otherwise the environment's, which would lead around it
                platform_detection_timeout_seconds=0.0,  # it would ask metadata addresses
                account=account,
                user=str(config.get("user") or ""),
                role=str(config.get("role") or "") or None,
                warehouse=_warehouse(config, environment),
                database=str(config.get("database") or "") or None,
                session_parameters=session_of(config, environment),
                application="Headrace",
                login_timeout=_LOGIN_S,
                network_timeout=_NETWORK_S,
                client_session_keep_alive=False,
                validate_default_parameters=False,
                arrow_number_to_decimal=True,
            )
        except library.errors.Error as error:
            raise connect_error(error, account) from error
        try:
            yield connection
        finally:
            with suppress(library.errors.Error, OSError):
                connection.close()


def _warehouse(config: Mapping[str, Any], environment: Environment) -> str | None:
    """The one for this kind of work, where there are two."""
    own = config.get("interactive_warehouse") if environment.workload.value == "interactive" else ""
    return str(own or config.get("warehouse") or "") or None


def _proof(config: Mapping[str, Any]) -> dict[str, Any]:
    if config.get("login", "key") == "password":
        return {"password": str(config.get("password") or "")}
    return {"private_key": _private_key(str(config.get("private_key") or ""), str(config.get("passphrase") or ""))}


def _private_key(text: str, passphrase: str) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        load_pem_private_key,
    )

    hint = "Upload rsa_key.p8 with its first and last line, and give its passphrase if it has one."
    try:
        key = load_pem_private_key(text.strip().encode(), passphrase.encode() or None)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"The private key cannot be read: {error}", field="private_key", hint=hint) from error
    if not isinstance(key, RSAPrivateKey):
        raise ConfigError("Snowflake takes RSA keys only.", field="private_key", hint=hint)
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def session_of(config: Mapping[str, Any], environment: Environment) -> dict[str, Any]:
    """What each session sets: how values are written, the time limit, and what the query history shows."""
    limit = config.get("statement_timeout")
    return {
        "TIMEZONE": "UTC",
        "GEOGRAPHY_OUTPUT_FORMAT": "WKT",
        "GEOMETRY_OUTPUT_FORMAT": "WKT",
        "MULTI_STATEMENT_COUNT": 1,
        "QUERY_TAG": json.dumps({"application": "Headrace", "workload": environment.workload.value}),
        **({"STATEMENT_TIMEOUT_IN_SECONDS": int(limit)} if limit else {}),
    }


def connect_error(error: Any, account: str) -> ConnectorError:
    """Why no connection came about, and what to change."""
    code, words = _said(error)
    if code in (390100, 390101, 390144, 394300, 394304) or "JWT token is invalid" in words:
        hint = "Check the user's login name, and that its public key in Snowflake belongs to this private key."
        return AuthError(words, hint=hint)
    if code in (390189, 390186) or ("Role" in words and "not granted" in words):
        return ConfigError(words, field="role", hint="Grant the role to this user, or leave it out.")
    if code in (390422, 390420, 390429):
        return AuthError(words, hint="Let this machine's address through Snowflake's network policy.")
    if code in (390102, 390106, 390110):
        return AuthError(words, hint="The user is locked or disabled: ask an administrator of Snowflake.")
    if code == 290404 or "404" in words:
        hint = "Give the part before .snowflakecomputing.com, such as myorg-myaccount or xy12345.eu-central-1."
        return ConfigError(words, field="account", hint=hint)
    return Unavailable(f"{account}: {words}", hint=f"Check the account identifier. {_AGAIN}")


def statement_error(error: Any, sql: str = "") -> ConnectorError:
    """Snowflake's refusal of a statement, in its own words, with the place in ``sql`` where it tells one."""
    code, words = _said(error)
    for codes, make in _MEANINGS:
        if code in codes:
            return make(words)
    if not code or 250000 <= code < 252000 or 290000 <= code < 300000:
        return Unavailable(words, hint="The connection broke off: the next run starts over.")
    return QueryError(words, position=_position(words, sql))


def _said(error: Any) -> tuple[int, str]:
    text = str(getattr(error, "raw_msg", None) or getattr(error, "msg", None) or error)
    text = re.sub(r"^\d{6} \(\w{5}\): (?:[0-9a-f-]{36}: )?", "", text)
    return abs(int(getattr(error, "errno", None) or 0)), " ".join(text.split())


def _position(words: str, sql: str) -> int | None:
    found = _PLACE.search(words)
    if not found or not sql:
        return None
    lines = sql.splitlines(keepends=True)
    line = int(found["line"]) - 1
    return sum(map(len, lines[:line])) + int(found["column"]) if line < len(lines) else None


def _rights(words: str) -> ConnectorError:
    return AuthError(words, hint="Grant this role USAGE on the schema and SELECT on the table.")


_MEANINGS: tuple[tuple[tuple[int, ...], Callable[[str], ConnectorError]], ...] = (
    ((604,), lambda words: QueryError("The query was cancelled.")),
    (
        (630,),
        lambda w: QueryError(w, hint="Raise the query time limit of this source, or make the query lighter."),
    ),
    ((3001,), _rights),
    (
        (606, 57014),
        lambda w: ConfigError(w, field="warehouse", hint="Check its name, and grant the role USAGE on the warehouse."),
    ),
    (
        (90105, 90106),
        lambda w: ConfigError(w, field="database", hint="Check its name, and grant the role USAGE on the database."),
    ),
    ((390111, 390112, 390114), lambda w: Unavailable(w, hint="The session ran out: the next run starts over.")),
)


def described(column: Any, comment: str = "") -> Described:
    """A column of a result as the driver tells it."""
    kind = _KINDS[column.type_code] if column.type_code < len(_KINDS) else "TEXT"
    reading, native = _reading(kind, column), kind
    if kind == "FIXED":
        native = f"NUMBER({column.precision},{column.scale})"
    return Described(Column(column.name, reading.type, native, comment, bool(column.is_nullable)), reading)


def _reading(kind: str, column: Any) -> Reading:
    if kind != "FIXED":
        return _READINGS.get(kind, _TEXT)
    precision, scale = int(column.precision or 38), int(column.scale or 0)
    if scale == 0 and precision <= 18:
        return Reading(ColumnType.NUMBER, pa.int64())
    return Reading(ColumnType.NUMBER, pa.decimal128(precision, scale))


def _call(name: str) -> Callable[[exp.Column], exp.Expr]:
    return lambda column: exp.Anonymous(this=name, expressions=[column])


def _json(column: exp.Column) -> exp.Expr:
    return exp.Anonymous(this="TO_JSON", expressions=[column])


def _map(column: exp.Column) -> exp.Expr:
    return exp.Anonymous(this="TO_JSON", expressions=[exp.cast(column, "VARIANT", dialect="snowflake")])


def _vector(column: exp.Column) -> exp.Expr:
    return exp.Anonymous(this="TO_JSON", expressions=[exp.cast(column, "ARRAY", dialect="snowflake")])


def _hexadecimal(column: exp.Column) -> exp.Expr:
    return exp.func("lower", exp.Anonymous(this="HEX_ENCODE", expressions=[column]))


def _in_utc(column: exp.Column) -> exp.Expr:
    zoned = exp.Anonymous(this="CONVERT_TIMEZONE", expressions=[exp.Literal.string("UTC"), column])
    return exp.cast(zoned, "TIMESTAMP_NTZ", dialect="snowflake")


# The driver's numbers of types, in its order.
_KINDS = (
    "FIXED", "REAL", "TEXT", "DATE", "TIMESTAMP", "VARIANT", "TIMESTAMP_LTZ", "TIMESTAMP_TZ", "TIMESTAMP_NTZ",
    "OBJECT", "ARRAY", "BINARY", "TIME", "BOOLEAN", "GEOGRAPHY", "GEOMETRY", "VECTOR", "MAP", "FILE",
)  # fmt: skip
_TEXT = Reading(ColumnType.STRING, pa.string(), _call("TO_VARCHAR"))
_OBJECT = Reading(ColumnType.OBJECT, pa.string(), _json)
_MOMENT = Reading(ColumnType.TIMESTAMP, pa.timestamp("us", "UTC"), _in_utc)
_LOCAL = Reading(ColumnType.TIMESTAMP, pa.timestamp("us"))
_READINGS = {
    "TEXT": Reading(ColumnType.STRING, pa.string()),
    "REAL": Reading(ColumnType.NUMBER, pa.float64()),
    "BOOLEAN": Reading(ColumnType.BOOLEAN, pa.bool_()),
    "DATE": Reading(ColumnType.DATE, pa.date32()),
    "TIMESTAMP": _LOCAL,
    "TIMESTAMP_NTZ": _LOCAL,
    "TIMESTAMP_LTZ": _MOMENT,
    "TIMESTAMP_TZ": _MOMENT,
    "BINARY": Reading(ColumnType.STRING, pa.string(), _hexadecimal),
    "VARIANT": _OBJECT,
    "OBJECT": _OBJECT,
    "ARRAY": _OBJECT,
    "MAP": Reading(ColumnType.OBJECT, pa.string(), _map),
    "VECTOR": Reading(ColumnType.OBJECT, pa.string(), _vector),
    "GEOGRAPHY": Reading(ColumnType.STRING, pa.string(), _call("ST_ASWKT")),
    "GEOMETRY": Reading(ColumnType.STRING, pa.string(), _call("ST_ASWKT")),
}
