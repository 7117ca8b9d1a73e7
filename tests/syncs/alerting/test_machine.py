"""The state machine and the thresholds, for every sequence of readings and mutes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncs.alerting.machine import Measured, Standing, after, announce, seen_by
from syncs.alerting.scrubbing import HIDDEN, scrubbed
from syncs.alerting.triggers import TRIGGERS, Rule, TriggerType, rule_from
from syncs.choices import AlertLevel, Subscription, TriggerKind

READINGS = st.none() | st.builds(Measured, st.sampled_from(list(AlertLevel)), st.booleans())
STEPS = st.lists(st.tuples(READINGS, st.booleans()), max_size=40)


@given(STEPS)
def test_each_change_is_told_once_and_what_is_told_is_true(steps: list[tuple[Measured | None, bool]]) -> None:
    standing, told, changes = Standing(), [], 0
    for measured, muted in steps:
        before = standing.level
        standing = after(standing, measured)
        changes += standing.level != before
        standing, known = announce(standing, muted=muted)
        if known is not None:
            told.append((known, standing.level))
        if not muted:
            assert standing.announced == standing.level
        # Saying it again is no news.
        assert announce(standing, muted=muted) == (standing, None)
    assert len(told) <= changes
    levels = [AlertLevel.OK, *(level for _, level in told)]
    assert [known for known, _ in told] == levels[:-1]
    assert all(known != level for known, level in told)


@given(STEPS, st.sampled_from(list(Subscription)))
def test_every_recipient_sees_openings_and_ends_in_turn(
    steps: list[tuple[Measured | None, bool]], subscription: Subscription
) -> None:
    standing, seen = Standing(), [AlertLevel.OK]
    for measured, muted in steps:
        standing, known = announce(after(standing, measured), muted=muted)
        if known is None:
            continue
        news = seen_by(subscription, standing.level)
        if seen_by(subscription, known) != news:
            assert seen[-1] == seen_by(subscription, known)
            seen.append(news)
    assert seen[-1] == seen_by(subscription, standing.announced)
    if subscription == Subscription.CRITICAL:
        assert AlertLevel.WARNING not in seen


@given(st.sampled_from(list(AlertLevel)), st.sampled_from(list(AlertLevel)))
def test_a_run_that_did_not_complete_never_ends_an_alert(level: AlertLevel, read: AlertLevel) -> None:
    partial = after(Standing(level, level), Measured(read, partial=True)).level
    assert partial.rank == max(level.rank, read.rank)
    assert after(Standing(level, level), Measured(read)).level == read
    assert after(Standing(level, level), None).level == level


@st.composite
def sound_rules(draw: st.DrawFn) -> tuple[TriggerType, Rule]:
    trigger = TRIGGERS[draw(st.sampled_from(list(TriggerKind)))]
    limits = st.floats(trigger.lowest, min(trigger.highest, 1e6)) | st.none()
    percent = trigger.kind is TriggerKind.REJECTED and draw(st.booleans())
    rule = Rule(enabled=True, warning=draw(limits), critical=draw(limits), percent=percent)
    if trigger.problems(rule):
        rule = trigger.default if trigger.default.enabled else replace(trigger.default, enabled=True)
    return trigger, rule


@given(sound_rules(), st.floats(0, 1e9), st.floats(0, 1e9))
def test_a_worse_value_is_never_a_lesser_alert(ruled: tuple[TriggerType, Rule], one: float, other: float) -> None:
    trigger, rule = ruled
    assert trigger.problems(rule) == {}
    better, worse = sorted((one, other), reverse=trigger.below)
    assert trigger.level(rule, better).rank <= trigger.level(rule, worse).rank
    assert trigger.level(rule, None) == AlertLevel.OK
    assert trigger.level(replace(rule, enabled=False), worse) == AlertLevel.OK
    assert rule_from(trigger.kind, rule.to_json()) == rule


@pytest.mark.parametrize(
    ("kind", "changed", "field"),
    [
        (TriggerKind.FATAL, {"enabled": False}, "enabled"),
        (TriggerKind.REJECTED, {"enabled": False}, "enabled"),
        (TriggerKind.FATAL, {"critical": 0}, "critical"),
        (TriggerKind.FATAL, {"critical": None}, "warning"),
        (TriggerKind.REJECTED, {"warning": 10, "critical": 5}, "critical"),
        (TriggerKind.REJECTED, {"warning": 101, "percent": True}, "warning"),
        (TriggerKind.DURATION, {"enabled": True, "warning": 24 * 60 + 1}, "warning"),
        (TriggerKind.THROUGHPUT, {"enabled": True, "window_hours": 0}, "window_hours"),
        (TriggerKind.MODEL_SIZE, {"enabled": True, "warning": 10, "critical": 10}, "critical"),
    ],
)
def test_rules_that_cannot_work_are_named(kind: TriggerKind, changed: dict[str, Any], field: str) -> None:
    assert field in TRIGGERS[kind].problems(replace(TRIGGERS[kind].default, **changed))


@pytest.mark.parametrize(
    ("rule", "kind", "words"),
    [
        (Rule(True, critical=1), TriggerKind.FATAL, "Critical from 1 failed run in a row"),
        (
            Rule(True, 5, 20, percent=True),
            TriggerKind.REJECTED,
            "Warning from 5 % of the queried rows, Critical from 20 % of the queried rows",
        ),
        (Rule(True, 50, window_hours=24), TriggerKind.THROUGHPUT, "Warning below 50 rows in the last 24 hours"),
        (Rule(True, 0, 60), TriggerKind.HELD, "Warning at once, Critical from 60 minutes"),
        (Rule(False), TriggerKind.DURATION, "Off"),
    ],
)
def test_rules_read_as_sentences(rule: Rule, kind: TriggerKind, words: str) -> None:
    assert TRIGGERS[kind].sentence(rule) == words


@pytest.mark.parametrize(
    ("words", "kept", "gone"),
    [
        ('relation "public.orders" does not exist', 'relation "public.orders"', ()),
        ("Unknown column 'emial' in field list", "column 'emial'", ()),
        ("502: <html><title>Bad Gateway</title><p>Try  later</p></html>", "502: Bad Gateway Try later", ()),
        ("401: Invalid API key", "401: Invalid API key", ()),
        ('invalid input syntax for type integer: "ada lovelace"', "invalid input syntax for type integer", ("ada",)),
        ("DETAIL: Key (email)=(ada@x.com) already exists.", "Key (email)=", ("ada",)),
        ("Failing row contains (7, ada, +49 151 1234567).", "Failing row contains", ("ada", "151", "7,")),
        ("Duplicate entry 'ada' for key 'email'", "for key 'email'", ("ada",)),
        ('not a number: "' + "ada " * 200 + '" in row 7', "not a number", ("ada",)),
        ('bad value "ada\nlovelace" here', "bad value", ("ada", "lovelace")),
        ('422: {"name":"Ada Lovela', "422", ("Ada", "Lovela")),
        ("The contact ada@x.com is unsubscribed (phone +49 151 12345678)", "is unsubscribed", ("ada", "12345678")),
    ],
)
def test_names_are_kept_and_values_hidden(words: str, kept: str, gone: tuple[str, ...]) -> None:
    shown = scrubbed(words)
    assert kept in shown
    assert not any(value in shown for value in gone)
    assert (HIDDEN in shown) == bool(gone)


@given(st.text(max_size=3_000))
def test_scrubbing_takes_any_text(words: str) -> None:
    assert len(scrubbed(words)) <= 600
