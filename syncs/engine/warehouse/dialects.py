"""What differs between warehouses: one profile each, everything else is common SQL.

A profile says how a value becomes text, how the texts of a row become one number
or digest, how a table is made of a query, and what a session must set so that both
stay the same from run to run. Digests are compared only inside one warehouse, and
only when they were made by the same recipe.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlglot import exp

from connectors.sdk.types import ColumnType
from syncs.engine.warehouse.profile import Profile, Text, digest_of_digests, framed


def _call(name: str, *arguments: exp.Expr | str | int) -> exp.Expr:
    """A function by the name that the system itself uses."""
    given = [
        a if isinstance(a, exp.Expr) else exp.Literal.number(a) if isinstance(a, int) else exp.Literal.string(a)
        for a in arguments
    ]
    return exp.Anonymous(this=name, expressions=given)


def _md5(text: exp.Expr) -> exp.Expr:
    return exp.MD5(this=text)


def _named(name: str, *more: str | int) -> Text:
    return lambda value: _call(name, value, *more)


def _json_text(value: exp.Expr) -> exp.Expr:
    return exp.cast(_call("to_json", value), "TEXT")


def _hexadecimal(value: exp.Expr) -> exp.Expr:
    return _call("lower", _call("hex", value))


_POSTGRES_TEXTS: dict[str, Text] = {
    "bytea": lambda value: _call("encode", value, "hex"),
    "json": lambda value: exp.cast(value, "TEXT"),
    "jsonb": lambda value: exp.cast(value, "TEXT"),
    ColumnType.OBJECT.value: _json_text,
}


def _postgres_row(texts: Sequence[exp.Expr]) -> exp.Expr:
    """A row's own text form quotes what has to be quoted and tells null from an empty text."""
    row = exp.cast(_call("ROW", *texts), "TEXT")
    return _call("hashtextextended", _byte_order("C")(row), 0)


def _byte_order(name: str) -> Text:
    return lambda text: exp.Collate(this=text, expression=exp.to_identifier(name, quoted=True))


def _collation(name: str) -> Text:
    return lambda text: exp.Collate(this=text, expression=exp.Var(this=name))


def _merge_tree() -> exp.Properties:
    order = exp.Order(expressions=[exp.Ordered(this=exp.Tuple(expressions=[]))])
    return exp.Properties(
        expressions=[exp.EngineProperty(this=_call("MergeTree")), order],
    )


def _sqlserver_digest(text: exp.Expr) -> exp.Expr:
    digest = _call("HASHBYTES", "SHA2_256", text)
    return exp.Anonymous(this="CONVERT", expressions=[exp.DataType.build("CHAR(64)"), digest, exp.Literal.number(2)])


def _sqlserver_text(style: int, kind: str) -> Text:
    return lambda value: exp.Anonymous(
        this="CONVERT", expressions=[exp.DataType.build(kind, dialect="tsql"), value, exp.Literal.number(style)]
    )


def _sqlserver_texts(kind: str) -> dict[str, Text]:
    floating = _sqlserver_text(3, kind)
    return {
        "float": floating,
        "real": floating,
        "varbinary": _sqlserver_text(2, kind),
        "binary": _sqlserver_text(2, kind),
        "datetimeoffset": lambda value: _sqlserver_text(127, kind)(_call("SWITCHOFFSET", value, "+00:00")),
        ColumnType.TIMESTAMP.value: _sqlserver_text(126, kind),
        ColumnType.DATE.value: _sqlserver_text(23, kind),
    }


def _local_text(value: exp.Expr) -> exp.Expr:
    """To the microsecond, whatever precision the column has."""
    return exp.cast(exp.cast(value, "TIMESTAMP(6)", dialect="trino"), "VARCHAR")


def _utc_text(value: exp.Expr) -> exp.Expr:
    """One text for one moment, whatever zone it was written in."""
    return exp.DPipe(
        this=_local_text(_call("at_timezone", value, "UTC")), expression=exp.Literal.string("+00:00"), safe=False
    )


def _varchar(value: exp.Expr) -> exp.Expr:
    return exp.cast(value, "VARCHAR")


_TRINO_TEXTS: dict[str, Text] = {
    "timestamp": _local_text,
    "timestamp with time zone": _utc_text,
    "real": lambda value: _varchar(exp.cast(value, "DOUBLE")),
    "varbinary": lambda value: _call("lower", _call("to_hex", value)),
    ColumnType.OBJECT.value: lambda value: _call("json_format", exp.cast(value, "JSON")),
}

POSTGRES = Profile(
    name="postgres",
    title="PostgreSQL",
    dialect="postgres",
    recipe="hashtextextended v1",
    digest=_postgres_row,
    digest_type="BIGINT",
    texts=_POSTGRES_TEXTS,
    collate=_byte_order("C"),
    session=("timezone = UTC", "datestyle = ISO, YMD", "extra_float_digits = 1", "bytea_output = hex"),
    identifier=63,
    try_cast=False,
    run_on="PostgreSQL 18",
)

GREENPLUM = Profile(
    name="greenplum",
    title="Greenplum",
    dialect="postgres",
    recipe="md5 v1",
    digest=lambda texts: _md5(exp.cast(_call("ROW", *texts), "TEXT")),
    texts=_POSTGRES_TEXTS,
    collate=_byte_order("C"),
    session=("timezone = UTC", "datestyle = ISO, YMD", "extra_float_digits = 3", "bytea_output = hex"),
    identifier=63,
    try_cast=False,
    notes=("Tables are distributed by their first column, which is the key.",),
)

REDSHIFT = Profile(
    name="redshift",
    title="Amazon Redshift",
    dialect="redshift",
    recipe="md5 of md5 v1",
    digest=digest_of_digests(_md5),
    text_type="VARCHAR(MAX)",
    texts={
        "super": lambda value: _call("JSON_SERIALIZE", value),
        "varbyte": lambda value: _call("TO_HEX", value),
        ColumnType.OBJECT.value: lambda value: _call("JSON_SERIALIZE", value),
    },
    parsed={"super": lambda text, _: _call("JSON_PARSE", text)},
    session=("timezone = UTC", "datestyle = ISO, YMD", "extra_float_digits = 2"),
    casts_truth=False,
    run_on="PostgreSQL 18, each statement translated",
    notes=(
        "A text holds 65,535 bytes at most, so each column is digested by itself first; what is longer is shortened "
        "in sync logs, never in what is sent.",
        "Blanks at the end do not tell keys apart.",
        "Rows go there by INSERT, as COPY reads from S3 only: a baseline of millions of rows takes long to move.",
    ),
)

SNOWFLAKE = Profile(
    name="snowflake",
    title="Snowflake",
    dialect="snowflake",
    recipe="md5 v1",
    digest=framed(_md5),
    texts={
        # A float's text has fewer digits than the float: its own hash has them all.
        "float": lambda value: exp.cast(_call("HASH", value), "TEXT"),
        "double": lambda value: exp.cast(_call("HASH", value), "TEXT"),
        "real": lambda value: exp.cast(_call("HASH", value), "TEXT"),
        "binary": lambda value: _call("HEX_ENCODE", value, 0),
        "timestamp_tz": lambda value: _call(
            "TO_VARCHAR", _call("CONVERT_TIMEZONE", "UTC", value), "YYYY-MM-DD HH24:MI:SS.FF9"
        ),
        "timestamp_ltz": lambda value: _call(
            "TO_VARCHAR", _call("CONVERT_TIMEZONE", "UTC", value), "YYYY-MM-DD HH24:MI:SS.FF9"
        ),
        ColumnType.TIMESTAMP.value: _named("TO_VARCHAR", "YYYY-MM-DD HH24:MI:SS.FF9"),
        ColumnType.DATE.value: _named("TO_VARCHAR", "YYYY-MM-DD"),
        ColumnType.OBJECT.value: _named("TO_JSON"),
    },
    identifier=255,
    transactions=False,
    run_on="fakesnow, a stand-in",
    notes=(
        "Columns of floats were not tried: the stand-in has no HASH.",
        "DDL commits by itself.",
        "The two schemas have lower-case names: create them with quotes.",
    ),
)

BIGQUERY = Profile(
    name="bigquery",
    title="Google BigQuery",
    dialect="bigquery",
    recipe="md5 v1",
    digest=framed(_md5),
    texts={
        "bytes": _named("TO_HEX"),
        "timestamp": lambda value: _call("FORMAT_TIMESTAMP", "%E4Y-%m-%d %H:%M:%E6S+00", value, "UTC"),
        ColumnType.OBJECT.value: _named("TO_JSON_STRING"),
    },
    identifier=1024,
    transactions=False,
    run_on="bqemulator, a stand-in",
    notes=("DDL commits by itself.", "The schemas are datasets, in the location of the data they are made from."),
)

DATABRICKS = Profile(
    name="databricks",
    title="Databricks",
    dialect="databricks",
    recipe="md5 v1",
    digest=framed(_md5),
    texts={
        "binary": _hexadecimal,
        # Each statement is a session of its own, whose time zone is the warehouse's: moments are told without one.
        "timestamp": lambda value: exp.cast(_call("unix_micros", value), "STRING", dialect="databricks"),
        "timestamp_ntz": lambda value: exp.cast(value, "STRING", dialect="databricks"),
        ColumnType.OBJECT.value: _named("to_json"),
    },
    parsed={
        "variant": lambda text, _: _call("try_parse_json", text),
        ColumnType.OBJECT.value: lambda text, native: _call("from_json", text, native),
    },
    stored={"interval": lambda value: exp.cast(value, "STRING", dialect="databricks")},
    identifier=255,
    transactions=False,
    run_on="DuckDB, each statement translated",
    notes=(
        "Tables are Delta tables; each statement is a transaction of its own.",
        "Delta stores no intervals: they are kept as text.",
    ),
)

# Few connectors hold every type: what some do not is kept as its text.
_TRINO_STORED: dict[str, Text] = {
    "tinyint": lambda value: exp.cast(value, "INTEGER"),
    "smallint": lambda value: exp.cast(value, "INTEGER"),
    **dict.fromkeys(("char", "time", "uuid", "ipaddress", "interval"), _varchar),
    **{kind: _TRINO_TEXTS[kind] for kind in ("timestamp", "timestamp with time zone", ColumnType.OBJECT.value)},
}


def _tried(kind: str) -> Text:
    return lambda text: exp.TryCast(this=text, to=exp.DataType.build(kind, dialect="trino"))


# Tried, as a column may have held something else in the run before.
_TRINO_RESTORED: dict[str, Text] = {
    "timestamp": _tried("TIMESTAMP(6)"),
    "timestamp with time zone": _tried("TIMESTAMP(6) WITH TIME ZONE"),
    ColumnType.OBJECT.value: lambda text: _call("try", _call("json_parse", text)),
}

TRINO = Profile(
    name="trino",
    title="Trino",
    dialect="trino",
    recipe="md5 v1",
    digest=framed(_md5),
    text_type="VARCHAR",
    texts=_TRINO_TEXTS,
    stored=_TRINO_STORED,
    restored=_TRINO_RESTORED,
    transactions=False,
    run_on="DuckDB, each statement translated",
    notes=(
        "The catalog's connector must be able to create tables from queries, to insert into them and to drop them; for "
        "sync logs and to forget people also to delete rows, which Hive's does not.",
        "Moments, arrays, maps, rows and rarer types are kept as text, which every connector can hold.",
    ),
)

ATHENA = Profile(
    name="athena",
    title="Amazon Athena",
    dialect="athena",
    recipe="md5 v1",
    digest=framed(_md5),
    text_type="VARCHAR",
    texts=_TRINO_TEXTS,
    properties=lambda: exp.Properties(expressions=[exp.FileFormatProperty(this=exp.Var(this="PARQUET"))]),
    identifier=255,
    transactions=False,
    notes=("Tables are Parquet in the workgroup's location; a dropped table's files are deleted by the connector.",),
)

SQLSERVER = Profile(
    name="sqlserver",
    title="SQL Server",
    dialect="tsql",
    recipe="sha2_256 v1",
    digest=framed(_sqlserver_digest, length=_named("DATALENGTH"), text_type="VARCHAR(20)"),
    digest_type="CHAR(64)",
    text_type="NVARCHAR(MAX)",
    texts=_sqlserver_texts("NVARCHAR(MAX)"),
    collate=_collation("Latin1_General_100_BIN2"),
    create="SELECT … INTO",
    identifier=128,
    notes=(
        "Keys compare byte by byte, whatever the database's collation.",
        "A model that begins with WITH has to be a view.",
    ),
)

SYNAPSE = Profile(
    name="synapse",
    title="Azure Synapse",
    dialect="tsql",
    recipe="sha2_256 v1",
    digest=framed(_sqlserver_digest, length=_named("DATALENGTH"), text_type="VARCHAR(20)"),
    digest_type="CHAR(64)",
    text_type="NVARCHAR(MAX)",
    texts=_sqlserver_texts("NVARCHAR(MAX)"),
    collate=_collation("Latin1_General_100_BIN2"),
    create="CREATE TABLE … WITH … AS",
    table_options="WITH (DISTRIBUTION = ROUND_ROBIN, HEAP)",
    identifier=128,
    transactions=False,
    notes=(
        "Tables are heaps, as a columnstore takes no NVARCHAR(MAX).",
        "A model that begins with WITH has to be a view.",
    ),
)

FABRIC = Profile(
    name="fabric",
    title="Microsoft Fabric",
    dialect="fabric",
    recipe="sha2_256 v1",
    digest=framed(_sqlserver_digest, length=_named("DATALENGTH"), text_type="VARCHAR(20)"),
    digest_type="CHAR(64)",
    text_type="VARCHAR(MAX)",
    texts=_sqlserver_texts("VARCHAR(MAX)"),
    collate=_collation("Latin1_General_100_BIN2_UTF8"),
    table_options="",
    identifier=128,
    notes=("A model that begins with WITH has to be a view.",),
)

CLICKHOUSE = Profile(
    name="clickhouse",
    title="ClickHouse",
    dialect="clickhouse",
    recipe="md5 v1",
    digest=framed(_md5),
    digest_type="Nullable(String)",
    text_type="Nullable(String)",
    texts={
        "datetime64": _named("toString", "UTC"),
        "datetime": _named("toString", "UTC"),
        ColumnType.OBJECT.value: _named("toJSONString"),
    },
    properties=_merge_tree,
    session=("join_use_nulls = 1", "session_timezone = 'UTC'"),
    identifier=206,
    transactions=False,
    run_on="chdb, ClickHouse as a library",
    notes=("Without join_use_nulls a join fills gaps with zeros and empty texts instead of nulls.",),
)

DUCKDB = Profile(
    name="duckdb",
    title="DuckDB",
    dialect="duckdb",
    recipe="md5 v1",
    digest=framed(_md5),
    texts={"blob": _hexadecimal, "json": lambda value: exp.cast(value, "TEXT"), ColumnType.OBJECT.value: _json_text},
    session=("TimeZone = 'UTC'",),
    identifier=255,
    run_on="DuckDB 2.0",
    notes=("The file has one writer at a time: runs of its syncs take turns while they compare.",),
)

PROFILES: Mapping[str, Profile] = {
    profile.name: profile
    for profile in (
        POSTGRES, GREENPLUM, REDSHIFT, SNOWFLAKE, BIGQUERY, DATABRICKS, TRINO, ATHENA, SQLSERVER, SYNAPSE, FABRIC,
        CLICKHOUSE, DUCKDB,
    )
}  # fmt: skip
