"""The mapper's server side: the dialog for one value, its checks, sample rows by right; suggestions and JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from connectors.sdk.destination import DestinationField
from syncs.suggestions import near
from tests.syncs.app.shop import Shop
from tests.syncs.pages.test_sync_pages import column, configuration, lines, text


@pytest.fixture
def value(shop: Shop) -> str:
    """Where the dialog of one value is asked for."""
    shop.fill(2)
    return f"/acme/syncs/value/{shop.model().pk}/{shop.destination.pk}"


def apply(client: Client, address: str, **sent: Any) -> Any:
    return client.post(address, {"action": "apply", "depth": "1", **sent})


def test_the_dialog_opens_on_what_the_line_holds(owner: Client, value: str) -> None:
    inner = json.dumps([{"to": "mail", "kind": "column", "value": "email"}])
    page = text(owner.post(value, {"action": "open", "depth": "1", "value-kind": "object", "value-inline": inner}))
    assert 'name="inner1-0-to" value="mail"' in page
    assert '<option value="email" selected' in page


@pytest.mark.parametrize(
    ("sent", "inputs", "summary"),
    [
        ({"value-kind": "column", "value-column": "email"}, {"kind": "column", "column": "email"}, "email"),
        ({"value-kind": "static", "value-static": "5", "value-static_type": "number"}, {"static": "5"}, "5"),
        ({"value-kind": "variable", "value-variable": "sync_id"}, {"variable": "sync_id"}, "sync id"),
        ({"value-kind": "template", "value-template": "{{ row.id }}"}, {"template": "{{ row.id }}"}, "{{ row.id }}"),
        ({"value-kind": "property", "value-prop": "a.b", "in_array": "yes", "depth": "2"}, {"prop": "a.b"}, "a.b"),
    ],
)
def test_a_value_goes_back_into_its_line(
    owner: Client, value: str, sent: dict[str, str], inputs: dict[str, str], summary: str
) -> None:
    answer = apply(owner, value, **sent).json()
    assert inputs.items() <= answer["inputs"].items()
    assert answer["summary"] == summary


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"value-kind": "column", "value-column": ""}, "The model has no column"),
        ({"value-kind": "template", "value-template": "{{ row.gone }}"}, "Unknown field name “gone”"),
        ({"value-kind": "template", "value-template": "{% if %}"}, "line 1, column"),
        ({"value-kind": "object", "inner1-TOTAL_FORMS": "0", "inner1-INITIAL_FORMS": "0"}, "Add at least one field"),
        ({"value-kind": "array", "inner1-TOTAL_FORMS": "0", "inner1-INITIAL_FORMS": "0"}, "Choose the column"),
    ],
)
def test_a_value_that_cannot_work_is_refused_in_the_dialog(
    owner: Client, value: str, sent: dict[str, str], words: str
) -> None:
    assert words in text(apply(owner, value, **sent), 422)


def test_an_inner_field_is_blamed_beside_itself(owner: Client, value: str) -> None:
    inner = {"inner1-TOTAL_FORMS": "2", "inner1-INITIAL_FORMS": "0"}
    inner |= {"inner1-0-kind": "column", "inner1-0-column": "email", "inner1-0-to": "mail"}
    inner |= {"inner1-1-kind": "template", "inner1-1-template": "{{ row.gone }}", "inner1-1-to": "other"}
    page = text(apply(owner, value, **{"value-kind": "object", **inner}), 422)
    assert page.index("Unknown field name “gone”") > page.index('name="inner1-1-to"')
    assert page.count("Unknown field name") == 1


@pytest.mark.parametrize(
    ("template", "sample", "words"),
    [
        ("{{ row.email | upcase }}", '{"email": "a@b.co"}', ("Sends text:", "&quot;A@B.CO&quot;")),
        ("{{ row.id | plus: 1 }}", '{"id": 12345678901234567890.10}', ("Sends number:", "12345678901234567891.10")),
        ("{{ row.email | validate_email }}", '{"email": "x"}', ("not an e-mail address",)),
        ("{{ row.email }}", "{", ("not JSON",)),
        ("{{ row.email }}", '{"email": ' + "[" * 400 + "]" * 400 + "}", ("too deep",)),
        ("{% for i in (1..90000) %}xy{% endfor %}", "{}", ("Sends text:", "xyxy", "180,002 characters")),
    ],
)
def test_the_result_for_a_sample_row_is_shown(
    owner: Client, value: str, template: str, sample: str, words: tuple[str, ...]
) -> None:
    page = text(owner.post(value, {"action": "result", "value-template": template, "sample": sample}))
    for word in words:
        assert word in page


def test_sample_rows_need_the_right_to_see_rows(value: str, browser_of: Callable[[str], Client]) -> None:
    sample = browser_of("owner").post(value, {"action": "sample"}).json()
    assert json.loads(sample["sample"])["email"] == "c1@shop.test"
    page = text(browser_of("drafter").post(value, {"action": "open", "value-kind": "template"}))
    refused = browser_of("drafter").post(value, {"action": "sample"})
    may_see = "Load a row of the model" in page
    assert may_see is (refused.status_code == 200)
    if not may_see:
        assert "c1@shop.test" not in refused.content.decode()


def test_suggestions_are_marked_and_nothing_is_saved(shop: Shop, owner: Client) -> None:
    shop.query("CREATE TABLE people AS SELECT 1 AS id, 'a@b.co' AS email_address, 'x' AS colour")
    model = shop.model("People", "SELECT * FROM people")
    sent = configuration(shop, action="suggest", **lines(column("id", identifier="on")))
    page = text(owner.post(f"/acme/syncs/new/{model.pk}/{shop.destination.pk}", sent))
    assert "1 mapping suggested by name" in page
    assert page.count("data-suggested") == 1


def test_names_that_are_near_find_each_other_and_others_do_not() -> None:
    fields = [DestinationField(name=name) for name in ("Email", "FirstName", "LastName", "zip", "CompanyName", "id")]
    columns = ["email_address", "first_name", "surname", "postal_code", "company", "colour", "valid"]
    found = near(columns, fields, [{"to": "CompanyName", "kind": "static", "value": "x"}])
    assert [(m["value"], m["to"]) for m in found] == [
        ("email_address", "Email"),
        ("first_name", "FirstName"),
        ("surname", "LastName"),
        ("postal_code", "zip"),
    ]


@pytest.mark.parametrize(
    ("text_", "words"),
    [
        ("{", "json: This is not JSON"),
        ("[]", "json: Give one JSON object"),
        ('{"syncType": "files"}', "syncType: This page configures"),
        ('{"speed": 1}', "speed: “speed” is not part"),
        ('{"mappings": [5]}', "mappings.0: A mapping is an object"),
        pytest.param("[" * 100_000, "json: This is not JSON", id="deep"),
        ('{"identifierMapping": 5}', "identifierMapping: Give a list of mappings"),
        ('{"type": "object", "wings": 2}', "wings: “wings” is neither"),
        ('{"mode": "snapshot", "mappings": []}', "settings.table"),
    ],
)
def test_json_that_cannot_be_used_says_where(shop: Shop, owner: Client, value: str, text_: str, words: str) -> None:
    address = value.replace("/value/", "/new/")
    page = text(owner.post(address, configuration(shop, action="use_json", json=text_)), 422)
    assert words in page


def test_a_configuration_copied_as_json_fills_another_form(shop: Shop, owner: Client, value: str) -> None:
    address = value.replace("/value/", "/new/")
    page = text(owner.post(address, configuration(shop, action="show_json")))
    written = page.split("<textarea")[-1].split(">", 1)[1].split("</textarea>")[0].replace("&quot;", '"')
    mappings = json.loads(written)["mappings"]
    assert [(m["to"], m["identifier"], m["ignoreNull"]) for m in mappings] == [
        ("id", True, False), ("email", False, False), ("plan", False, True)]  # fmt: skip
    filled = text(owner.post(address, configuration(shop, action="use_json", json=written, **lines())))
    assert "The form above is as the JSON says." in filled
    for number, name in enumerate(("id", "email", "plan")):
        assert f'name="map-{number}-to"' in filled
        assert f'<option value="{name}" selected' in filled
