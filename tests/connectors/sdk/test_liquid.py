"""Liquid as mappings and request bodies use it: typed results, exact numbers, refused rows, bounded work."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.sdk.errors import ConfigError
from connectors.sdk.liquid import (
    FILTER_NAMES,
    TemplateError,
    batch_variables,
    compile_template,
    compile_value,
    row_variables,
    strip_trailing_commas,
)
from connectors.sdk.liquid.reference import REFERENCE

ROW = {
    "first_name": "Alice",
    "last_name": "Doe Stark",
    "product_id": "000123",
    "price": Decimal("12.50"),
    "big": 2**70,
    "email": "Alice@Example.com",
    "none": None,
    "vacant": "",
    "items": ["a", "b"],
    "invoice": {"total": Decimal("41.570"), "customer": {"name": "John"}},
    "a column": "spaced",
    "at": "2026-01-31T10:20:30Z",
}
CONTEXT = {"sync_run_id": "42", "model_name": "VIP"}
_TEXT_FILTERS = [
    *("upcase", "downcase", "capitalize", "strip", "lstrip", "rstrip", "append: b", "append: '!'", "prepend: row.b"),
    *("remove: row.b", "remove: ' '", "default: row.b", "default: 7", "default: nil", "default: false"),
    *("default: '', allow_false: true", "append: 7", "size"),
]


def value(source: str) -> Any:
    return compile_value(source).evaluate(row_variables(ROW, CONTEXT))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ row.first_name | upcase }}", "ALICE"),
        ('{{ row.product_id | remove: "0" | prepend: "SKU_" }}', "SKU_123"),
        ("{{ row['a column'] }} {{ first_name }}", "spaced Alice"),
        ("{{ context['sync_run_id'] }}-{{ context.model_name }}", "42-VIP"),
        ("{{ row.price }}", Decimal("12.50")),
        ("{{ row.price }} EUR", "12.50 EUR"),
        ("{{ row.price | plus: 0.25 }}", Decimal("12.75")),
        ("{{ row.price | times: 3 | round: 1 }}", Decimal("37.5")),
        ("{{ row.big | plus: 1 }}", 2**70 + 1),
        ("{{ 7 | divided_by: 2 }}", 3),
        ("{{ null }}", None),
        ("{{ row.none }}", None),
        ("{{ row.nothing_like_it }}", None),
        ("{{ row.vacant | null_if_empty }}", None),
        ("{{ row.none | default: 0 }}", 0),
        ("  {%- assign v = true -%} {{ v }}\n", True),
        ("{%- if row.price > 10 -%} {{ row.price }} {%- else -%} {{ null }} {%- endif -%}", Decimal("12.50")),
        ("{{ '[]' | parse }}", []),
        ("{{ '{\"a\": 1.10}' | parse }}", {"a": Decimal("1.10")}),
        ("{{ row.items | push: 'c' }}", ["a", "b", "c"]),
        ("{{ '' | json_construct: 'city', row.first_name, 'n', 1 }}", {"city": "Alice", "n": 1}),
        ("{{ row.invoice.customer.name }}", "John"),
        ("{{ row.invoice.total }}", Decimal("41.570")),
        ("{{ row.invoice | json }}", '{"total":41.570,"customer":{"name":"John"}}'),
        ("{{ 'say \"hi\"' | json }}", '"say \\"hi\\""'),
        ("{{ '12.30' | cast: 'number' }}", Decimal("12.30")),
        ("{{ 'yes' | cast: 'boolean' }}", True),
        ("{{ row.price | cast: 'string' }}", "12.50"),
        ("{{ row.none | cast: 'number' }}", None),
        ("{{ row.last_name | includes: 'Stark' }}", "Doe Stark"),
        ("{{ row.product_id | regex_test: '^[0-9]+$' }}", "000123"),
        ("{{ row.first_name | regex_replace: '([A-Z])', '<$1>' }}", "<A>lice"),
        ("{{ row.email | downcase | validate_email | md5 }}", "c160f8cc69a4f0bf2b0362752353d060"),
        ("{{ 'Foo bar_baz' | camelcase }}", "fooBarBaz"),
        ("{{ 'héllo' | b64_encode | b64_decode }}", "héllo"),
        ("{{ 'héllo' | base64_encode }}", "aMOpbGxv"),
        ("{{ 'aMOpbGxv' | base64_decode }}", "héllo"),
        ("{{ row.at | date: '%d/%m/%Y' }}", "31/01/2026"),
        ("{{ row.at | date: '%s' | minus: 86400 | date: '%Y-%m-%dT%H:%M:%S%z' }}", "2026-01-30T10:20:30+0000"),
        ("{{ 'Jan 31, 2026' | to_date }}", "2026-01-31T00:00:00Z"),
        ("{{ '2026-01-31' | to_date }}", "2026-01-31"),
        ("{{ row.at | to_unix }}", 1769854830),
    ],
)
def test_values(source: str, expected: Any) -> None:
    found = value(source)
    assert found == expected
    assert type(found) is type(expected)
    assert str(found) == str(expected)


@pytest.mark.parametrize(
    "source",
    [
        "{{ row.first_name | upcase }} {{ row.price }}{{ row.items }}",
        "{{ row.items }}",
        "{{ row.nothing }}",
        "a {{ row.invoice.customer.name | default: 'x' }}",
        "{{ row.invoice.customer.gone | default: 'x' }}",
        "{{ row.items.size }}",
        "{{ row.items.first | append: first_name }}",
        "{{ row.at | date: '%Y' }}",
        "{{ row.vacant }}{{ row.none }}",
        "{{ row.none | default: false, allow_false: true }}",
        "{{ row.first_name | replace: 'A', row.last_name }}",
        "{{ empty }}{{ 1.5 }}{{ true }}",
    ],
)
def test_a_plain_template_says_what_it_says_among_tags(source: str) -> None:
    """Templates without tags take a quicker way; a tag that does nothing takes it from them."""
    slow = compile_value(source + "{% assign nothing = 1 %}")
    variables = row_variables(ROW, CONTEXT)
    assert repr(value(source)) == repr(slow.evaluate(variables))
    assert compile_value(source).render(variables) == slow.render(variables)


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_hashes_are_lower_case_hexadecimal(algorithm: str) -> None:
    assert value(f"{{{{ 'x' | {algorithm} }}}}") == hashlib.new(algorithm, b"x").hexdigest()


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("{{ row.first_name | includes: 'Stark' }}", "does not contain “Stark”"),
        ("{{ row.first_name | regex_test: '^[0-9]+$' }}", "does not match"),
        ("{{ row.first_name | validate_email }}", "not an e-mail address"),
        ("{{ row.first_name | cast: 'number' }}", "not a number"),
        ("{{ row.first_name | parse }}", "not JSON"),
        ("{{ row.first_name | to_date }}", "not a date"),
        ("{{ row.price | divided_by: 0 }}", "divisor is zero"),
        ("{{ row.first_name | regex_test: '(' }}", "pattern is not valid"),
    ],
)
def test_a_row_that_a_filter_refuses_says_why(source: str, words: str) -> None:
    with pytest.raises(TemplateError, match=words) as caught:
        value(source)
    assert "line" not in caught.value.message
    assert caught.value.result("Email").field == "Email"


@pytest.mark.parametrize(
    "address",
    ["a@b.co", "first.last+tag@sub.example.com", '"quoted name"@example.com', "x@[127.0.0.1]", "o'hara@example.ie"],
)
def test_addresses_that_are_valid(address: str) -> None:
    assert compile_value("{{ row.e | validate_email }}").evaluate(row_variables({"e": address}, {})) == address


@pytest.mark.parametrize(
    "address", ["", "a", "a@", "@b.co", "a b@c.de", "a..b@c.de", "a@b", "a@-b.de", "a@b.de\n", "x" * 65 + "@b.de"]
)
def test_addresses_that_are_not(address: str) -> None:
    with pytest.raises(TemplateError):
        compile_value("{{ row.e | validate_email }}").evaluate(row_variables({"e": address}, {}))


@pytest.mark.parametrize(
    "source",
    [
        "{% for i in (1..100000000) %}x{% endfor %}",
        "{% for i in (1..1000) %}{% for j in (1..1000) %}{% for k in (1..1000) %}x{% endfor %}{% endfor %}{% endfor %}",
        "{% assign x = 'aaaaaaaaaa' %}{% for i in (1..1000) %}{% assign x = x | append: x %}{% endfor %}",
        "{% assign x = 9 %}{% for i in (1..1000) %}{% assign x = x | times: x %}{% endfor %}",
        "{{ 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!' | regex_test: '^(a|a)*(a|aa)*(aa|a)+$' }}",
    ],
)
def test_no_template_holds_a_worker(source: str) -> None:
    with pytest.raises(TemplateError):
        value(source)


@pytest.mark.parametrize(
    "source", ["{{ row.a | nope }}", "{% if %}", "{{ row.a", "{% include 'x' %}", "{% render 'x' %}"]
)
def test_a_template_that_is_not_valid_is_refused_when_it_is_written(source: str) -> None:
    with pytest.raises(ConfigError):
        compile_template(source)


def test_an_unknown_filter_names_the_nearest() -> None:
    with pytest.raises(ConfigError) as caught:
        compile_template("{{ row.a | uppcase }}")
    assert "upcase" in caught.value.hint


@pytest.mark.parametrize(
    ("source", "columns"),
    [
        ("{{ row.a }} {{ row['b c'] }} {{ d }} {{ context.sync_id }}", {"a", "b c", "d"}),
        ("{% assign x = row.a %}{{ x }}", {"a"}),
        ("constant", set()),
        ("{{ row | json }}", None),
        ("{{ row[name] }}", None),
        ("{% for r in rows %}{{ r.a }}{% endfor %}", None),
    ],
)
def test_the_columns_a_template_uses(source: str, columns: set[str] | None) -> None:
    assert compile_template(source).columns == columns


def test_a_column_that_is_gone_is_named() -> None:
    with pytest.raises(ConfigError, match="“gone”"):
        compile_template("{{ row.there }}{{ row.gone }}").require(["there"])


def test_a_batch_is_a_loop_over_rows() -> None:
    template = compile_template("[{% for row in rows %}{{ row.n }},{% endfor %}]")
    rendered = template.render(batch_variables([{"n": 1}, {"n": Decimal("2.0")}], {}))
    assert strip_trailing_commas(rendered) == "[1,2.0]"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": 1,}', '{"a": 1}'),
        ("[1, 2, , ]", "[1, 2 ]"),
        ('{"a": ",}", "b": [",]",],}', '{"a": ",}", "b": [",]"]}'),
        ('["\\",}", 1,\n]', '["\\",}", 1\n]'),
        ("[],", "[]"),
        ('["open ,]', '["open ,]'),
    ],
)
def test_trailing_commas_go_and_text_stays(text: str, expected: str) -> None:
    assert strip_trailing_commas(text) == expected


def test_every_filter_is_explained_once_and_every_explained_one_can_be_written_so() -> None:
    names = [help.name for help in REFERENCE]
    assert sorted(names) == sorted(FILTER_NAMES)
    for help in REFERENCE:
        compile_template(f"{{{{ row.value{help.snippet} }}}}")


DISCOUNT = (
    "{%- if row['off'] >= 50 -%} Over half off! {%- elsif row['off'] == 50 -%} 50% off! "
    "{%- elsif row['off'] > 0 -%} Discounted! {%- else -%} null {%- endif -%}"
)
PRICE = (
    '{%- assign decimals = row["price"] | split: "" | reverse | slice: 0,2 | reverse | join: "" -%}'
    '{%- assign units = row["price"] | split: "" | reverse | slice: 3,3 | reverse | join: "" -%}'
    '{%- assign thousands = row["price"] | split: "" | reverse | slice: 6,3 | reverse | join: "" -%}'
    '{%- assign millions = row["price"] | split: "" | reverse | slice: 9,3 | reverse | join: "" -%}'
    '{%- if millions != "" -%} ${{millions}},{{thousands}},{{units}}.{{decimals}} '
    '{%- elsif thousands != "" -%} ${{thousands}},{{units}}.{{decimals}} '
    "{%- else -%} ${{units}}.{{decimals}} {%- endif -%}"
)
STATIC_ARRAY = "{%- assign value = '[' | append: '\"value1\",\"value2\"' | append: ']' -%} {{ value | parse }}"
GUARD = "{%- if row['v'] != nil -%} {{ row['v'] }} {%- else -%} {{ null }} {%- endif -%}"
BOOLEAN = (
    '{%- if row["v"] == "value" -%}{%- assign variable = true -%}'
    "{%- else -%}{%- assign variable = false -%}{%- endif -%}{{ variable }}"
)


@pytest.mark.parametrize(
    ("source", "row", "expected"),
    [
        (DISCOUNT, {"off": 60}, "Over half off!"),
        (DISCOUNT, {"off": 20}, "Discounted!"),
        (DISCOUNT, {"off": 0}, "null"),
        (DISCOUNT, {"off": Decimal("50.0")}, "Over half off!"),
        (PRICE, {"price": Decimal("1234567.89")}, "$1,234,567.89"),
        (PRICE, {"price": "1234.50"}, "$1,234.50"),
        (PRICE, {"price": 12.25}, "$12.25"),
        (STATIC_ARRAY, {}, ["value1", "value2"]),
        (GUARD, {"v": 5}, 5),
        (GUARD, {"v": None}, None),
        (BOOLEAN, {"v": "value"}, True),
        (BOOLEAN, {"v": "other"}, False),
        ("{{ row['u'] | split: '?gclid-' | first }}", {"u": "www.example.com/?gclid-123"}, "www.example.com/"),
        ("{{ row['u'] | split: '?gclid-' | last }}", {"u": "www.example.com/?gclid-123"}, "123"),
        ("{{ row['d'] | date: '%m/%d/%Y' }}", {"d": "2026-01-31"}, "01/31/2026"),
        (
            "{{ row['d'] | date: '%s' | date: '%Y-%m-%dT%H:%M:%S%z' }}",
            {"d": "2026-01-31T00:00:00+02:00"},
            "2026-01-30T22:00:00+0000",
        ),
        ("{{ row['items'] | join: \"\" }}", {"items": ["a", "b"]}, "ab"),
        ("{{ row['v'] | abs }}", {"v": -17}, 17),
        ("{{ row['v'] | round: 2 }}", {"v": Decimal("1.005")}, Decimal("1.01")),
        ("{{ row['n'] | append: '.png' }}", {"n": "x"}, "x.png"),
        ("{{ row['n'] | camelcase | sha256 }}", {"n": "John Doe"}, hashlib.sha256(b"johnDoe").hexdigest()),
    ],
)
def test_recipes_that_people_know_give_what_they_expect(source: str, row: dict[str, Any], expected: Any) -> None:
    found = compile_value(source).evaluate(row_variables(row, {}))
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize("source", ["{{ row.a b | }}", "{{ a column }}", "line one\n{% if row.a %}"])
def test_what_cannot_be_parsed_is_told_with_line_and_column(source: str) -> None:
    with pytest.raises(ConfigError, match=r"line \d+, column \d+"):
        compile_template(source)


@pytest.mark.parametrize("name", ["money", "money_with_currency"])
def test_there_are_no_filters_for_money(name: str) -> None:
    with pytest.raises(ConfigError, match=name):
        compile_template("{{ row.price | " + name + " }}")


@given(
    st.lists(st.tuples(st.none() | st.text(), st.text()), min_size=1, max_size=8),
    st.lists(st.sampled_from(_TEXT_FILTERS), min_size=1, max_size=3),
)
def test_columns_of_text_say_what_each_row_says_alone(rows: list[tuple[str | None, str]], filters: list[str]) -> None:
    source = "{{ row.a | " + " | ".join(filters) + " }}"
    slow = compile_value(source + "{% assign nothing = 1 %}")
    columns: dict[str, list[Any]] = {"a": [a for a, _ in rows], "b": [b for _, b in rows]}
    alone = [slow.evaluate(row_variables({"a": a, "b": b}, CONTEXT)) for a, b in rows]
    assert repr(list(compile_value(source).evaluate_rows(columns, len(rows), CONTEXT))) == repr(alone)
