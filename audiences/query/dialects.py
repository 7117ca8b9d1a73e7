"""What differs between warehouses in the studio's queries: one profile each, on top of the planner's.

The planner's profile (:mod:`syncs.engine.warehouse.dialects`) says how values become text and how text
compares byte by byte; this one how JSON is read, lists are made, and long lists of values come in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import sqlglot
from sqlglot import exp

from audiences.query.nodes import call, text
from syncs.engine.warehouse.dialects import PROFILES
from syncs.engine.warehouse.profile import Profile

JsonPath = Sequence[str]
Json = Callable[[exp.Expr, JsonPath], exp.Expr]
Pairs = Sequence[tuple[str, exp.Expr]]
Collect = Callable[[exp.Expr, exp.Expr, bool], exp.Expr]


@dataclass(frozen=True, slots=True, kw_only=True)
class Studio:
    """How one system does what the studio needs.

    ``json`` reads the text at a path, ``json_node`` whatever is there, where the former knows only
    simple values. ``number`` reads a text as a number, or as nothing. ``unfold`` is a query of one column
    ``value`` over a JSON array of texts in the place of ``:list``, where one text is quicker than many
    literals. ``collect`` makes one list of values (or of objects, where the third argument says so) in the
    order of a rank. ``hexadecimal`` is the MD5 of a text in lower-case hexadecimal. ``characters`` is how
    long a statement may be. ``zones``: moments can be shown in any zone by its usual name.
    ``exists_anywhere``: EXISTS is as quick, and as allowed, under OR and in columns as alone.
    ``settings`` stand in each query, as a sync reads it in a session of its own.
    """

    planner: Profile
    json: Json
    number: Callable[[exp.Expr], exp.Expr]
    collect: Collect
    hexadecimal: Callable[[exp.Expr], exp.Expr] = lambda value: exp.MD5(this=value)
    json_node: Json | None = None
    json_object: Callable[[Pairs], exp.Expr]
    unfold: str = ""
    summed: str = ""  # what numbers are cast to before they are added up, where their own type overflows
    naive: str = "TIMESTAMP"
    zoned: str = "TIMESTAMPTZ"
    moments: Callable[[str], exp.Expr] | None = None
    escape: str = "!"
    escape_clause: bool = True
    wildcards: str = "%_"
    characters: int = 1_000_000
    zones: bool = True
    exists_anywhere: bool = False
    settings: tuple[tuple[str, exp.Expr], ...] = ()
    national: bool = False

    @property
    def dialect(self) -> str:
        """sqlglot's name."""
        return self.planner.dialect

    def set_up(self, query: exp.Select) -> exp.Select:
        """The query with the settings that it needs."""
        made = [exp.EQ(this=exp.column(name), expression=value.copy()) for name, value in self.settings]
        if made:
            query.set("settings", made)
        return query

    def moment(self, written: str, *, zoned: bool) -> exp.Expr:
        """A moment as a node."""
        if self.moments:
            return self.moments(written)
        return exp.cast(text(written), self.zoned if zoned else self.naive)

    def text(self, value: str) -> exp.Expr:
        """A text as a node."""
        literal = text(value)
        return exp.National(this=value) if self.national and not value.isascii() else literal

    def like(self, value: exp.Expr, before: str, searched: str, after: str) -> exp.Expr:
        """LIKE with the searched text taken as it is."""
        special = self.wildcards + self.escape
        risky = any(sign in special or sign == "\\" for sign in searched)
        escaped = "".join(self.escape + sign if sign in special else sign for sign in searched)
        pattern = self.text(before + (escaped if risky else searched) + after)
        found = exp.Like(this=value, expression=pattern)
        return exp.Escape(this=found, expression=text(self.escape)) if risky and self.escape_clause else found

    def listed(self, values: str) -> exp.Query:
        """A query of one column ``value`` over the texts of a JSON array."""
        query = sqlglot.parse_one(self.unfold, read=self.dialect)
        for place in list(query.find_all(exp.Placeholder)):
            place.replace(self.text(values))
        assert isinstance(query, exp.Query)
        return query


def _dollar_path(path: JsonPath) -> str:
    return "$" + "".join(f"[{key}]" if key.isdigit() else f".{_quoted(key)}" for key in path)


def _quoted(key: str) -> str:
    escaped = key.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _bracket_path(path: JsonPath) -> str:
    keys = (key.replace("\\", "\\\\").replace("'", "\\'") for key in path)
    return "$" + "".join(f"[{key}]" if key.isdigit() else f"['{key}']" for key in keys)


def _snowflake_path(path: JsonPath) -> str:
    steps = (f"[{key}]" if key.isdigit() else f"[{_quoted(key)}]" for key in path)
    return "".join(steps)


def _by_path(name: str, written: Callable[[JsonPath], str] = _dollar_path) -> Json:
    return lambda value, path: call(name, value, text(written(path)))


def _bracket_path_double(path: JsonPath) -> str:
    return "$" + "".join(f"[{key}]" if key.isdigit() else f"[{_quoted(key)}]" for key in path)


def _clickhouse_json(value: exp.Expr, path: JsonPath) -> exp.Expr:
    """What is there as text, without the quotes of a text; nothing where there is null."""
    keys = [exp.Literal.number(int(key) + 1) if key.isdigit() else text(key) for key in path]
    raw = call("JSONExtractRaw", value, *keys)
    plain = call("JSONExtractString", value.copy(), *[key.copy() for key in keys])
    missing = exp.In(this=raw, expressions=[text(""), text("null")])
    quoted = exp.Like(this=raw.copy(), expression=text('"%'))
    whole = exp.If(this=quoted, true=plain)
    return exp.Case(ifs=[exp.If(this=missing, true=exp.null()), whole], default=raw.copy())


def _tsql_json(value: exp.Expr, path: JsonPath) -> exp.Expr:
    """JSON_VALUE knows only simple values, JSON_QUERY only the others."""
    written = text(_dollar_path(path))
    return exp.func("coalesce", call("JSON_VALUE", value, written), call("JSON_QUERY", value.copy(), written.copy()))


def _postgres_number(value: exp.Expr) -> exp.Expr:
    """There is no TRY_CAST: what does not look like a number is not cast."""
    like = exp.RegexpLike(this=value, expression=text(r"^-?[0-9]{1,30}(\.[0-9]{1,30})?([eE][-+]?[0-9]{1,2})?$"))
    return exp.Case(ifs=[exp.If(this=like, true=exp.cast(value.copy(), "DOUBLE"))])


def _try_cast(value: exp.Expr) -> exp.Expr:
    return exp.TryCast(this=value, to=exp.DataType.build("DOUBLE"))


def _array(name: str) -> Collect:
    """An aggregate with its order inside the brackets."""
    return lambda value, rank, _: exp.Anonymous(this=name, expressions=[exp.Order(this=value, expressions=[_by(rank)])])


def _within(name: str, value: exp.Expr, rank: exp.Expr, *more: exp.Expr) -> exp.Expr:
    """An aggregate with WITHIN GROUP behind it."""
    aggregate = exp.Anonymous(this=name, expressions=[value, *more])
    return exp.WithinGroup(this=aggregate, expression=exp.Order(expressions=[_by(rank)]))


def _by(rank: exp.Expr) -> exp.Ordered:
    """The rank is never null: nothing to say of where nulls stand."""
    return exp.Ordered(this=rank, nulls_first=None)


def _snowflake_list(value: exp.Expr, rank: exp.Expr, _: bool) -> exp.Expr:
    return _within("ARRAY_AGG", value, rank)


def _databricks_list(value: exp.Expr, rank: exp.Expr, _: bool) -> exp.Expr:
    """Collected as pairs, sorted by the rank, and stripped of it."""
    pair = call("NAMED_STRUCT", text("place"), rank, text("item"), value)
    return exp.Dot(this=call("ARRAY_SORT", call("COLLECT_LIST", pair)), expression=exp.to_identifier("item"))


def _clickhouse_list(value: exp.Expr, rank: exp.Expr, _: bool) -> exp.Expr:
    pairs = call("arraySort", call("groupArray", call("tuple", rank, value)))
    return call("tupleElement", pairs, exp.Literal.number(2))


def _redshift_list(value: exp.Expr, rank: exp.Expr, is_object: bool) -> exp.Expr:
    """There are no ordered arrays: JSON as text."""
    item = value if is_object else _json_string(exp.cast(value, "VARCHAR(MAX)", dialect="redshift"))
    return _concatenated(text("["), _within("LISTAGG", item, rank, text(",")), text("]"))


def _json_string(value: exp.Expr) -> exp.Expr:
    for sign in ("\\", '"'):
        value = call("REPLACE", value, text(sign), text("\\" + sign))
    return _concatenated(text('"'), value, text('"'))


def _concatenated(*texts: exp.Expr) -> exp.Expr:
    joined = texts[0]
    for piece in texts[1:]:
        joined = exp.DPipe(this=joined, expression=piece, safe=False)
    return exp.paren(joined, copy=False)


def _tsql_list(value: exp.Expr, rank: exp.Expr, is_object: bool) -> exp.Expr:
    item = value if is_object else _tsql_string(value)
    return call("CONCAT", text("["), _within("STRING_AGG", item, rank, text(",")), text("]"))


def _tsql_string(value: exp.Expr) -> exp.Expr:
    plain = exp.cast(value, "NVARCHAR(MAX)", dialect="tsql")
    return call("CONCAT", text('"'), call("STRING_ESCAPE", plain, text("json")), text('"'))


def _tsql_object(pairs: Pairs) -> exp.Expr:
    pieces: list[exp.Expr] = []
    for place, (name, value) in enumerate(pairs):
        pieces += [text("," if place else "{"), _tsql_string(text(name)), text(":")]
        empty = exp.Is(this=value.copy(), expression=exp.null())
        pieces.append(exp.Case(ifs=[exp.If(this=empty, true=text("null"))], default=_tsql_string(value)))
    return call("CONCAT", *pieces, text("}"))


def _alternating(name: str) -> Callable[[Pairs], exp.Expr]:
    return lambda pairs: call(name, *[node for key, value in pairs for node in (text(key), value)])


def _redshift_object(pairs: Pairs) -> exp.Expr:
    return call("JSON_SERIALIZE", _alternating("OBJECT")(pairs))


def _trino_object(pairs: Pairs) -> exp.Expr:
    keys = exp.Array(expressions=[text(key) for key, _ in pairs])
    values = exp.Array(expressions=[exp.cast(value, "VARCHAR") for _, value in pairs])
    return exp.cast(call("MAP", keys, values), "JSON")


def _clickhouse_object(pairs: Pairs) -> exp.Expr:
    texts = [(key, exp.cast(value, "Nullable(String)", dialect="clickhouse")) for key, value in pairs]
    return call("toJSONString", _alternating("map")(texts))


def _utf8_md5(value: exp.Expr) -> exp.Expr:
    """Of the bytes that all other systems hash: UTF-8, not UTF-16."""
    collated = exp.Collate(this=value, expression=exp.Var(this="Latin1_General_100_BIN2_UTF8"))
    narrow = exp.cast(collated, "VARCHAR(8000)", dialect="tsql")
    digest = call("HASHBYTES", text("MD5"), narrow)
    return call("LOWER", call("CONVERT", exp.Var(this="CHAR(32)"), digest, exp.Literal.number(2)))


def _postgres_json(value: exp.Expr, path: JsonPath) -> exp.Expr:
    return call("jsonb_extract_path_text", exp.cast(value, "JSONB"), *map(text, path))


def _greenplum_json(value: exp.Expr, path: JsonPath) -> exp.Expr:
    return call("json_extract_path_text", exp.cast(value, "JSON"), *map(text, path))


def _snowflake_number(value: exp.Expr) -> exp.Expr:
    return call("TRY_TO_DOUBLE", value)


def _clickhouse_number(value: exp.Expr) -> exp.Expr:
    return call("toFloat64OrNull", value)


_OPENJSON = "SELECT value FROM OPENJSON(:list)"
_TRINO_UNNEST = "SELECT v.value FROM UNNEST(CAST(JSON_PARSE(:list) AS ARRAY(VARCHAR))) AS v(value)"

_PROFILES = (
    Studio(
        planner=PROFILES["postgres"],
        json=_postgres_json,
        number=_postgres_number,
        collect=_array("JSON_AGG"),
        json_object=_alternating("JSON_BUILD_OBJECT"),
        unfold="SELECT v.value FROM JSONB_ARRAY_ELEMENTS_TEXT(CAST(:list AS JSONB)) AS v(value)",
        characters=200_000_000,
    ),
    Studio(
        planner=PROFILES["greenplum"],
        json=_greenplum_json,
        number=_postgres_number,
        collect=_array("JSON_AGG"),
        json_object=_alternating("JSON_BUILD_OBJECT"),
        unfold="SELECT v.value FROM JSON_ARRAY_ELEMENTS_TEXT(CAST(:list AS JSON)) AS v(value)",
        characters=200_000_000,
    ),
    Studio(
        planner=PROFILES["redshift"],
        json=lambda value, path: call("JSON_EXTRACT_PATH_TEXT", value, *map(text, path), exp.true()),
        number=_try_cast,
        collect=_redshift_list,
        json_object=_redshift_object,
        characters=16_000_000,
    ),
    Studio(
        planner=PROFILES["snowflake"],
        json=lambda value, path: call("JSON_EXTRACT_PATH_TEXT", value, text(_snowflake_path(path))),
        number=_snowflake_number,
        collect=_snowflake_list,
        json_object=_alternating("OBJECT_CONSTRUCT_KEEP_NULL"),
        unfold="SELECT CAST(v.value AS VARCHAR) AS value FROM TABLE(FLATTEN(INPUT => PARSE_JSON(:list))) AS v",
        naive="TIMESTAMPNTZ",
    ),
    Studio(
        planner=PROFILES["bigquery"],
        json=_by_path("JSON_VALUE"),
        json_node=_by_path("JSON_QUERY"),
        number=_try_cast,
        collect=_array("ARRAY_AGG"),
        json_object=_alternating("JSON_OBJECT"),
        unfold="SELECT value FROM UNNEST(JSON_VALUE_ARRAY(:list)) AS value",
        escape="\\",
        escape_clause=False,
    ),
    Studio(
        planner=PROFILES["databricks"],
        json=_by_path("GET_JSON_OBJECT", _bracket_path),
        number=_try_cast,
        collect=_databricks_list,
        json_object=_alternating("NAMED_STRUCT"),
        unfold="SELECT EXPLODE(FROM_JSON(:list, 'ARRAY<STRING>')) AS value",
        naive="TIMESTAMPNTZ",
        characters=16_000_000,
    ),
    *(
        Studio(
            planner=PROFILES[name],
            json=_by_path("JSON_EXTRACT_SCALAR", _bracket_path_double),
            json_node=_by_path("JSON_EXTRACT", _bracket_path_double),
            number=_try_cast,
            collect=_array("ARRAY_AGG"),
            json_object=_trino_object,
            unfold=_TRINO_UNNEST,
            characters=characters,
        )
        for name, characters in (("trino", 1_000_000), ("athena", 262_144))
    ),
    *(
        Studio(
            planner=PROFILES[name],
            json=_tsql_json,
            number=_try_cast,
            collect=_tsql_list,
            json_object=_tsql_object,
            hexadecimal=_utf8_md5,
            unfold=_OPENJSON,
            summed="DECIMAL(38, 6)",
            zoned="TIMESTAMP" if name == "fabric" else "TIMESTAMPTZ",
            wildcards="%_[",
            characters=characters,
            zones=False,
            national=name != "fabric",
        )
        for name, characters in (("sqlserver", 64_000_000), ("synapse", 1_000_000), ("fabric", 1_000_000))
    ),
    Studio(
        planner=PROFILES["clickhouse"],
        json=_clickhouse_json,
        number=_clickhouse_number,
        collect=_clickhouse_list,
        json_object=_clickhouse_object,
        unfold="SELECT ARRAYJOIN(JSONEXTRACT(:list, 'Array(String)')) AS value",
        moments=lambda written: call("parseDateTime64BestEffort", text(written), exp.Literal.number(6), text("UTC")),
        escape="\\",
        escape_clause=False,
        characters=200_000,
        settings=(("join_use_nulls", exp.Literal.number(1)), ("session_timezone", text("UTC"))),
    ),
    Studio(
        planner=PROFILES["duckdb"],
        exists_anywhere=True,
        json=_by_path("JSON_EXTRACT_STRING"),
        number=_try_cast,
        collect=_array("LIST"),
        json_object=_alternating("JSON_OBJECT"),
        unfold="SELECT UNNEST(FROM_JSON(:list, '[\"VARCHAR\"]')) AS value",
        characters=200_000_000,
    ),
)

STUDIOS: Mapping[str, Studio] = {profile.planner.name: profile for profile in _PROFILES}
