"""Words and numbers in pages."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.template import Context, Template
from django.utils import timezone

from config.ui.icons import MEANINGS, drawings, icon_svg
from config.ui.status import KINDS, status_for
from config.ui.tags import duration, exact_time, monogram, number, relative_words

NOW = datetime(2026, 11, 22, 14, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ago", "words"),
    [
        (timedelta(seconds=5), "just now"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(hours=49), "2 days ago"),
        (timedelta(hours=-3, seconds=-5), "in 3 hours"),
        (timedelta(seconds=-5), "in a moment"),
    ],
)
def test_moments_are_said_in_the_largest_unit(ago: timedelta, words: str) -> None:
    assert relative_words(NOW - ago, NOW) == words


def test_the_exact_time_is_in_the_viewers_zone() -> None:
    with timezone.override("Europe/Berlin"):
        assert exact_time(NOW) == "22 Nov 2026, 15:05 CET"


@pytest.mark.parametrize(
    ("seconds", "words"), [(None, "–"), (0.42, "0.4 s"), (59.4, "59 s"), (185, "3 min 5 s"), (7_440, "2 h 4 min")]
)
def test_lengths_of_time(seconds: float | None, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(("value", "words"), [(1_204_551, "1,204,551"), (0, "0"), (None, "–"), ("", "–")])
def test_numbers_are_grouped_and_the_unknown_is_a_dash(value: int | str | None, words: str) -> None:
    assert number(value) == words


@pytest.mark.parametrize(
    ("name", "letters"), [("Acme shop", "AS"), ("duckdb", "Du"), ("X", "X"), ("…", "?"), ("ada@acme.example", "AA")]
)
def test_monograms(name: str, letters: str) -> None:
    assert monogram(name) == letters


def test_every_icon_of_a_status_or_noun_is_drawn() -> None:
    used = {state.icon for states in KINDS.values() for state in states.values()} | set(MEANINGS.values())
    assert used - drawings().keys() == set()


def test_an_unknown_icon_says_where_to_add_it() -> None:
    with pytest.raises(ImproperlyConfigured, match=r"frontend/icons\.json"):
        icon_svg("unicorn")


def test_an_icon_alone_has_a_name_and_one_beside_words_is_hidden() -> None:
    assert 'aria-label="Done &amp; dusted"' in icon_svg("check", label="Done & dusted")
    assert 'aria-hidden="true"' in icon_svg("check")


def test_a_pill_holds_icon_and_word_and_shows_an_unknown_state_in_its_own_words() -> None:
    html = Template('{% status_pill "failed" %}{% status_pill "quite_new" %}').render(Context())
    assert "tone-bad" in html
    assert html.count("<svg") == 2
    assert "Quite new" in html
    assert status_for("FAILED").word == "Failed"
