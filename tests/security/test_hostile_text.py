"""Text that others choose must not cost more time or memory than its length is worth."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from connectors.destinations.http_request.settings import FIELDS as HTTP_FIELDS
from connectors.destinations.s3 import S3Destination
from connectors.sdk.errors import ConfigError
from connectors.sdk.liquid import TemplateError, compile_template, strip_trailing_commas
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
