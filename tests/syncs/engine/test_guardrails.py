"""The arithmetic of guardrails, over everything that a comparison can find."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from connectors.sdk.destination import Mode, RowSet
from syncs.engine.guardrails import Guardrails, Rule, breaches
from syncs.engine.spec import Baseline, OperationCounts, Prepared
from tests.syncs.engine.support import make_spec

ROWS = st.integers(0, 10_000)


def baseline(rows: int) -> Baseline:
    return Baseline(run_id=1, spool="s", overlay="", recipe="r", columns=("id",), rows=rows, unsettled=0)


def prepared(*, queried: int, removed: int = 0, changed: int = 0, added: int = 0, **more: Any) -> Prepared:
    counts = OperationCounts(added=added, changed=changed, removed=removed)
    null_keys, duplicates = more.pop("null_keys", 0), more.pop("duplicates", 0)
    return Prepared(
        queried=queried,
        null_keys=null_keys,
        duplicates=duplicates,
        keyed=queried - null_keys - duplicates,
        found=counts,
        planned=counts,
        retried=0,
        spool="s",
        recipe="r",
        rejected_before_delivery="",
        parts=(),
        **more,
    )


@given(known=ROWS, removed=ROWS, limit=st.none() | st.floats(0, 100))
def test_a_share_is_held_exactly_above_its_limit(known: int, removed: int, limit: float | None) -> None:
    spec = make_spec(guardrails=Guardrails(empty=False, removed_percent=limit))
    found = breaches(spec, baseline(known), prepared(queried=1, removed=removed))
    expected = limit is not None and known > 0 and removed / known > limit / 100
    if limit is None or known == 0 or abs(removed / known - limit / 100) > 1e-9:
        assert (Rule.REMOVED_PERCENT in [b.rule for b in found]) == expected


@given(rows=ROWS, limit=ROWS)
def test_counts_are_held_exactly_above_their_limits(rows: int, limit: int) -> None:
    limits = Guardrails(empty=False, removed_percent=None, removed_rows=limit, changed_rows=limit, added_rows=limit)
    found = breaches(
        make_spec(guardrails=limits), baseline(1), prepared(queried=1, removed=rows, changed=rows, added=rows)
    )
    assert len(found) == (3 if rows > limit else 0)


def test_nothing_is_held_on_a_first_run_or_when_switched_off() -> None:
    gone = prepared(queried=0, removed=10)
    assert breaches(make_spec(), None, gone) == ()
    assert breaches(make_spec(guardrails=Guardrails(on=False)), baseline(10), gone) == ()


def test_rows_without_a_key_are_as_good_as_none() -> None:
    found = breaches(make_spec(), baseline(10), prepared(queried=4, null_keys=4))
    assert [b.rule for b in found] == [Rule.EMPTY]
    assert found[0].words == "The query returned no rows, and 10 rows were known from before."


def test_a_resync_that_people_asked_for_is_held_only_where_nothing_came() -> None:
    spec = make_spec(resync=True)
    assert breaches(spec, baseline(100), prepared(queried=1, added=1)) == ()
    assert [b.rule for b in breaches(spec, baseline(100), prepared(queried=0))] == [Rule.EMPTY]


def test_a_mirror_that_shrinks_takes_the_missing_rows_with_it() -> None:
    spec = make_spec(mode=Mode.ALL, rows=RowSet.FULL)
    assert [b.rows for b in breaches(spec, baseline(100), prepared(queried=70, added=70))] == [30]
    assert breaches(spec, baseline(100), prepared(queried=80, added=80)) == ()


def test_removals_that_were_due_before_do_not_count_again() -> None:
    spec = make_spec()
    assert breaches(spec, baseline(70), prepared(queried=70, removed=30, removed_again=30, known=70)) == ()
