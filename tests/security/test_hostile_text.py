"""Text that others choose must not cost more time or memory than its length is worth."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable

import pytest

from connectors.destinations.http_request.settings import FIELDS as HTTP_FIELDS
from connectors.destinations.s3 import S3Destination
from connectors.sdk.errors import ConfigError
from connectors.sdk.liquid import TemplateError, compile_template, filters, limits, strip_trailing_commas
from connectors.sdk.net import Redactor
from connectors.sdk.validation import clean

# Quadratic work on these lengths takes minutes; linear work takes milliseconds.
LENGTH = 200_000
PATIENCE_S = 5.0


def took(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


@pytest.mark.parametrize("text", ["?", "&", "?a", "://a:", "&token", "?password"])
def test_secrets_are_taken_out_of_hostile_answers_in_linear_time(text: str) -> None:
    redactor = Redactor(["a secret of somebody"])
    assert took(lambda: redactor.text(text * (LENGTH // len(text)))) < PATIENCE_S


def test_secrets_in_addresses_are_still_found() -> None:
    shown = Redactor().text("https://x.test/a?one=1&access_token=abc&X-Amz-Signature=def#end")
    assert shown == "https://x.test/a?one=1&access_token=••••&X-Amz-Signature=••••#end"


@pytest.mark.parametrize("text", ["," * LENGTH + "1", ", " * LENGTH + "1", '"' + '\\"' * LENGTH])
def test_commas_and_open_strings_are_read_in_linear_time(text: str) -> None:
    assert took(lambda: strip_trailing_commas(text)) < PATIENCE_S


def test_trailing_commas_still_go_and_strings_stay() -> None:
    assert strip_trailing_commas('[{"a": ",]", "b": "\\",}",}, \n, ] ,') == '[{"a": ",]", "b": "\\",}"} ] '


@pytest.mark.parametrize("use", ["reverse | first", "sort | first", "join: ','", "json", "concat: row.list | first"])
def test_a_template_cannot_fill_the_memory_with_a_range(use: str) -> None:
    template = compile_template("{{ (1..100000000000) | USE }}".replace("USE", use))
    with pytest.raises(TemplateError):
        template.render(template.row_variables({"list": []}, {}))


def test_short_ranges_work() -> None:
    assert compile_template("{{ (1..5) | reverse | join: '-' }}").render({}) == "5-4-3-2-1"


@pytest.mark.parametrize("address", ["https://ada:hunter2@api.example.com", "https://ada@api.example.com/x"])
def test_addresses_do_not_carry_credentials_into_the_open_configuration(address: str) -> None:
    with pytest.raises(ConfigError, match="password"):
        clean(HTTP_FIELDS, {"base_url": address})
    with pytest.raises(ConfigError, match="password"):
        clean(S3Destination.definition.fields, {"bucket": "exports", "endpoint": address.partition("/x")[0]})


def test_an_at_sign_in_the_path_is_no_password() -> None:
    assert clean(HTTP_FIELDS, {"base_url": "https://api.example.com/@acme"}).config["base_url"].endswith("/@acme")


# What would be made of each would fill any memory: 10¹² characters and more.
AT_ONCE = {
    "replacing in a chain": "{{ 'xxxxxxxxxx'" + " | replace: 'x', 'xxxxxxxxxx'" * 11 + " | size }}",
    "joining by something long": "{{ row.long | split: '' | join: row.long | size }}",
    "a pattern for each letter": "{{ row.long | regex_replace: 'x', row.long | size }}",
}
BY_AND_BY = {
    "quotes of quotes": "{{ '[\"\"]'" + " | json" * 60 + " | size }}",
    "lists": "{% assign a = '1,2' | split: ',' %}{% for i in (1..60) %}{% assign a = a | concat: a %}{% endfor %}",
    "text": "{% assign a = 'x' %}{% for i in (1..60) %}{% assign a = a | append: a %}{% endfor %}",
    "captures": "{% for i in (1..60) %}{% capture a %}{{ a }}{{ a }}x{% endcapture %}{% endfor %}",
    "a list shown over and over": "{% assign a = row.long | split: '' %}{% for i in (1..9999) %}{{ a }}{% endfor %}",
    "numbers that square": "{% assign n = 99999999 %}{% for i in (1..60) %}{% assign n = n | times: n %}{% endfor %}",
    "loops in loops": "{% for a in (1..99999) %}{% for b in (1..99999) %}{% for c in row.l %}x"
    "{% endfor %}{% endfor %}{% endfor %}",
    "a table": "{% tablerow i in (1..999999999) %}{% endtablerow %}",
}


def explode(source: str) -> str:
    """How rendering is refused, which takes little memory."""
    template = compile_template(source)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(TemplateError) as caught:
        template.render(template.row_variables({"long": "x" * 20_000, "l": [1]}, {}))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 400_000, f"{grown} kB more than before"
    return caught.value.message


@pytest.mark.parametrize("bomb", AT_ONCE)
def test_a_filter_cannot_fill_the_memory_at_once(bomb: str) -> None:
    assert "characters for one row" in explode(AT_ONCE[bomb])


@pytest.mark.parametrize("bomb", BY_AND_BY)
def test_a_template_cannot_fill_the_memory_by_and_by(bomb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "TIME_LIMIT_S", 0.2)
    explode(BY_AND_BY[bomb])


def test_a_template_has_so_long_for_a_row_and_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    template = compile_template("{{ row.name | upcase }}")
    assert template.render(template.row_variables({"name": "ada"}, {})) == "ADA"
    monkeypatch.setattr(limits, "TIME_LIMIT_S", -1.0)
    with pytest.raises(TemplateError, match="took longer"):
        template.render(template.row_variables({"name": "ada"}, {}))


@pytest.mark.parametrize(
    "use", ["regex_test: '^(a|a)*$'", "regex_test: '(.*)*(.*)*(.*)*b'", "regex_replace: '(a|aa)+$', ''"]
)
def test_a_pattern_that_backtracks_without_end_is_given_up(use: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filters, "REGEX_TIMEOUT_S", 0.02)
    template = compile_template("{{ row.text | USE }}".replace("USE", use))

    def rendered() -> None:
        with pytest.raises(TemplateError):
            template.render(template.row_variables({"text": "a" * 5_000 + "!"}, {}))

    assert took(rendered) < PATIENCE_S
