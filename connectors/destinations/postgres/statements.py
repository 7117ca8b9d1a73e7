"""The SQL of each mode, composed from identifiers of the catalog."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import LiteralString

from psycopg.sql import SQL, Composable, Composed, Identifier, Literal

from connectors.destinations.postgres.catalog import TableColumn, TableShape

Statement = SQL | Composed

STAGE = Identifier("headrace_stage")
EACH = Identifier("pg_temp", "headrace_each")


@dataclass(frozen=True)
class Plan:
    """Staged columns and where they go. ``columns[i]`` is staged as ``c{i}``; ``keep`` are left alone where null."""

    table: TableShape
    columns: tuple[TableColumn, ...]
    identifiers: tuple[str, ...]
    keep: frozenset[str] = frozenset()

    @property
    def target(self) -> Identifier:
        return Identifier(self.table.schema, self.table.name)

    def stage(self, *, typed: bool) -> Composed:
        """Create the staging table: with the target's types, or all text."""
        kinds = [SQL(_trusted(c.type_name)) if typed else SQL("text") for c in self.columns]
        columns = [SQL("{} {}").format(_c(i), kind) for i, kind in enumerate(kinds)]
        return SQL("CREATE TEMP TABLE {} ({}) ON COMMIT DROP").format(STAGE, SQL(", ").join([SQL("n int4"), *columns]))

    def copy_stage(self) -> Composed:
        return SQL("COPY {} FROM STDIN (FORMAT csv)").format(STAGE)

    def copy_target(self) -> Composed:
        names = [Identifier(c.name) for c in self.columns]
        return SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(self.target, SQL(", ").join(names))

    def from_stage(self) -> Composed:
        """All staged rows, as the source of a statement."""
        return SQL("{} s").format(STAGE)

    def from_row(self) -> Composed:
        """The loop's current row, cast to the target's types, as the source of a statement."""
        casts = [
            SQL("(r.{c})::{kind} AS {c}").format(c=_c(i), kind=SQL(_trusted(c.bare_type)))
            for i, c in enumerate(self.columns)
        ]
        return SQL("(SELECT {}) s").format(SQL(", ").join([SQL("r.n"), *casts]))

    def insert(self, source: Composable) -> Composed:
        return SQL("INSERT INTO {} AS t ({}) SELECT {} FROM {}").format(
            self.target,
            _comma([Identifier(c.name) for c in self.columns]),
            _comma([self._new_value(i) for i in range(len(self.columns))]),
            source,
        )

    def upsert(self, source: Composable) -> Composed:
        conflict = _comma([Identifier(name) for name in self.identifiers])
        changed = [(i, c) for i, c in enumerate(self.columns) if c.name not in self.identifiers]
        if not changed:
            return SQL("{} ON CONFLICT ({}) DO NOTHING").format(self.insert(source), conflict)
        values = [(c, self._upserted(i, c, source)) for i, c in changed]
        return SQL("{} ON CONFLICT ({}) DO UPDATE SET {} WHERE {}").format(
            self.insert(source), conflict, _assign(values), _differs(values)
        )

    def update(self, source: Composable) -> Statement:
        values = [(c, self._kept(_s(i), c)) for i, c in enumerate(self.columns) if c.name not in self.identifiers]
        if not values:
            return SQL("SELECT 1 WHERE false")
        return SQL("UPDATE {} t SET {} FROM {} WHERE {} AND ({})").format(
            self.target, _assign(values), source, self._match(), _differs(values)
        )

    def clear(self, source: Composable, names: Sequence[str]) -> Statement:
        """Null the named columns of matching rows; only identifiers are staged."""
        values: list[tuple[TableColumn, Composable]] = [(self.table.columns[n], SQL("NULL")) for n in names]
        if not values:
            return SQL("SELECT 1 WHERE false")
        filled = SQL(" OR ").join(SQL("t.{} IS NOT NULL").format(Identifier(n)) for n in names)
        return SQL("UPDATE {} t SET {} FROM {} WHERE {} AND ({})").format(
            self.target, _assign(values), source, self._match(), filled
        )

    def delete(self, source: Composable) -> Composed:
        return SQL("DELETE FROM {} t USING {} WHERE {}").format(self.target, source, self._match())

    def unmatched(self) -> Composed:
        """Positions of staged rows that no row of the target matches."""
        return SQL("SELECT s.n FROM {} WHERE NOT EXISTS (SELECT 1 FROM {} t WHERE {})").format(
            self.from_stage(), self.target, self._match()
        )

    def each(self, statement: Composable) -> Composed:
        """A function that carries out ``statement`` row by row and returns the rows that failed."""
        body = SQL(_EACH_BODY).format(stage=STAGE, statement=statement)
        return SQL(
            "CREATE OR REPLACE FUNCTION {}() RETURNS TABLE (n int4, state text, message text, detail text, col text)"
            " LANGUAGE plpgsql AS {}"
        ).format(EACH, Literal(body.as_string()))

    def _match(self) -> Composed:
        at = {c.name: i for i, c in enumerate(self.columns)}
        return SQL(" AND ").join(SQL("t.{} = {}").format(Identifier(n), _s(at[n])) for n in self.identifiers)

    def _new_value(self, i: int) -> Composable:
        column = self.columns[i]
        if column.name in self.keep and column.default is not None:
            return SQL("coalesce({}, {})").format(_s(i), SQL(_trusted(column.default)))
        return _s(i)

    def _upserted(self, i: int, column: TableColumn, source: Composable) -> Composable:
        new = SQL("excluded.{}").format(Identifier(column.name))
        if column.name in self.keep and column.default is not None:
            # "excluded" already holds the default; the staged null says to leave the value alone.
            found = SQL("(SELECT {} FROM {} WHERE {} LIMIT 1)").format(_s(i), source, self._match())
            return self._kept(found, column)
        return self._kept(new, column)

    def _kept(self, new: Composable, column: TableColumn) -> Composable:
        if column.name not in self.keep:
            return new
        return SQL("coalesce({}, t.{})").format(new, Identifier(column.name))


# Errors that concern the connection or the table, not the row, end the loop.
_EACH_BODY: LiteralString = """
#variable_conflict use_column
DECLARE r record;
BEGIN
  FOR r IN SELECT * FROM {stage} ORDER BY n LOOP
    BEGIN
      {statement};
    EXCEPTION WHEN OTHERS THEN
      IF SQLSTATE ~ '^(08|25|28|40|53|55|57|58|XX|3D|3F|42501|42P01|42703)' THEN RAISE; END IF;
      GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, col = COLUMN_NAME;
      n := r.n;
      state := SQLSTATE;
      RETURN NEXT;
    END;
  END LOOP;
END
"""


def _trusted(text: str) -> LiteralString:
    """SQL that PostgreSQL itself wrote (type names, default expressions), taken from its catalog."""
    return text.replace("{", "{{").replace("}", "}}")


def _c(i: int) -> Identifier:
    return Identifier(f"c{i}")


def _s(i: int) -> Composed:
    return SQL("s.{}").format(_c(i))


def _comma(parts: Sequence[Composable]) -> Composed:
    return SQL(", ").join(parts)


def _assign(values: Sequence[tuple[TableColumn, Composable]]) -> Composed:
    return _comma([SQL("{} = {}").format(Identifier(c.name), value) for c, value in values])


def _differs(values: Sequence[tuple[TableColumn, Composable]]) -> Composed:
    """Whether any value changes: rows that stay the same are not written, and fire no triggers."""
    return SQL(" OR ").join(
        SQL("t.{0}{2} IS DISTINCT FROM ({1}){2}").format(
            Identifier(c.name), value, SQL("") if c.comparable else SQL("::text")
        )
        for c, value in values
    )
