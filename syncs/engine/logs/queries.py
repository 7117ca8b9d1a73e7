"""Queries to start from, for people who look into the log tables."""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp, parse_one

_QUERIES = (
    (
        "Why rows fail",
        "The most frequent reasons first.",
        "SELECT failure_reason, COUNT(*) AS affected FROM headrace_audit.sync_snapshot "
        "WHERE workspace = :workspace AND sync_id = :sync_id AND status = 'failed' "
        "GROUP BY failure_reason ORDER BY affected DESC",
    ),
    (
        "What happened to one row",
        "Every operation on a row, oldest first. Put its key in the place of 42.",
        "SELECT r.started_at, c.op_type, c.status, c.failure_reason, c.fields FROM headrace_audit.sync_changelog AS c "
        "JOIN headrace_audit.sync_runs AS r ON r.workspace = c.workspace AND r.sync_run_id = c.sync_run_id "
        "WHERE c.workspace = :workspace AND c.sync_id = :sync_id AND c.row_id = '42' ORDER BY r.started_at",
    ),
    (
        "Who is at the destination now",
        "Rows of the model whose latest state is delivered.",
        "SELECT row_id, fields FROM headrace_audit.sync_snapshot "
        "WHERE workspace = :workspace AND sync_id = :sync_id AND status = 'succeeded'",
    ),
    (
        "How the runs went",
        "What was planned and what failed, newest first.",
        "SELECT sync_run_id, started_at, status, num_planned_add + num_planned_change + num_planned_remove AS planned, "
        "num_failed_add + num_failed_change + num_failed_remove AS failed, error FROM headrace_audit.sync_runs "
        "WHERE workspace = :workspace AND sync_id = :sync_id ORDER BY started_at DESC",
    ),
)


@dataclass(frozen=True, slots=True)
class Example:
    """A query to copy, and what it answers."""

    name: str
    description: str
    sql: str


def examples(*, workspace: str, sync_id: int, dialect: str) -> tuple[Example, ...]:
    """The queries for one sync, in the source's own SQL."""
    values: dict[str, exp.Expr] = {"workspace": exp.Literal.string(workspace), "sync_id": exp.Literal.number(sync_id)}
    return tuple(Example(name, words, _filled(sql, values, dialect)) for name, words, sql in _QUERIES)


def _filled(sql: str, values: dict[str, exp.Expr], dialect: str) -> str:
    tree = exp.replace_placeholders(parse_one(sql, dialect="postgres"), **values)
    return tree.sql(dialect=dialect, pretty=True) + ";"
