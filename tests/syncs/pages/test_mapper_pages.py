"""The mapper's server side: the dialog for one value, its checks, sample rows by right; suggestions and JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from typing import Any

import pytest
from django.test import Client

from connectors.sdk.destination import DestinationField
from syncs.configuration import definition_of
from syncs.configuration_json import read, written
from syncs.forms.syncs import SyncForm
from syncs.suggestions import near
from tests.syncs.app.shop import Shop, mapping
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
        (
            {"value-kind": "static", "value-static": "12345678901234567.89", "value-static_type": "number"},
            {"static": "12345678901234567.89"},
            "12345678901234567.89",
        ),
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


def test_a_sample_tells_of_arrays_and_of_text_that_holds_them(shop: Shop, owner: Client) -> None:
    shop.query(
        """CREATE TABLE orders AS
        SELECT 1 AS id, '["a", "b"]' AS tags, '[1] off' AS note, [{'sku': 'x', 'price': 2}] AS lines
        UNION ALL SELECT 2, NULL, 'new', [{'sku': 'y', 'size': 3}]"""
    )
    model = shop.model("Orders", "SELECT * FROM orders")
    sample = owner.post(f"/acme/syncs/value/{model.pk}/{shop.destination.pk}", {"action": "sample"}).json()
    assert sample["elements"] == {"tags": "_ht_tags_element"}
    assert sample["properties"] == {"lines": ["sku", "price", "size"]}


def test_the_configuration_can_be_copied_without_editing(shop: Shop, owner: Client) -> None:
    page = text(owner.get(f"/acme/syncs/{shop.sync().pk}/configuration"))
    copied = json.loads(unescape(page.split('data-copy-text-value="{', 1)[1].split('"><button')[0].join(("{", ""))))
    assert [m["to"] for m in copied["mappings"]] == ["id", "email", "plan"]
    assert copied["settings"]["table"].endswith(shop.table)


def test_custom_fields_are_a_list_of_their_own_in_form_and_text(shop: Shop) -> None:
    kind = replace(definition_of(shop.destination).sync_types[0], custom_fields=True)
    fields = [DestinationField(name="email"), DestinationField(name="id")]
    stored = {"settings": {"table": "t"}, "mappings": [mapping("id"), mapping("shoe_size"), mapping("email")]}
    form = SyncForm(kind=kind, columns={}, fields=fields, choices_url="", stored=stored)
    assert [line["to"].value() for line in form.custom_lines] == ["shoe_size"]
    whole = written(kind, stored, fields)
    assert [m["to"] for m in json.loads(whole)["customMappings"]] == ["shoe_size"]
    assert [m["to"] for m in read(whole, kind, fields)["mappings"]] == ["id", "email", "shoe_size"]
    assert read(whole, kind, fields)["settings"] == {"table": "t"}


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
