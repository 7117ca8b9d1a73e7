"""Refusals of queries in the words of several warehouses, and what people are told to do."""

from __future__ import annotations

import pytest

from connectors.sdk.errors import QueryError

COLUMN, RIGHTS, TABLE, ALIAS, TYPES, VIEW = (
    "names a column that is not there",
    "Grant it USAGE",
    "Write its full name",
    "with AS",
    "with CAST",
    "Recreate it",
)


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("SQL compilation error: error line 1 at position 7\ninvalid identifier 'EMIAL'", COLUMN),
        ('invalid identifier \'"_headrace"."COLUMN_NAME"\'', COLUMN),
        ("[UNRESOLVED_COLUMN.WITH_SUGGESTION] A column with name `emial` cannot be resolved. Did you mean", COLUMN),
        ('column "emial" does not exist', COLUMN),
        ('Binder Error: Referenced column "emial" not found in FROM clause!', COLUMN),
        ("Unrecognized name: emial; Did you mean email? at [1:8]", COLUMN),
        ("line 1:8: Column 'emial' cannot be resolved", COLUMN),
        ("Code: 47. DB::Exception: Unknown expression identifier `emial` in scope SELECT emial", COLUMN),
        ("Invalid column name 'emial'.", COLUMN),
        ("SQL compilation error: ambiguous column name 'FAQ_URL'", ALIAS),
        ('column reference "id" is ambiguous', ALIAS),
        ("Object 'DB.SCHEMA.ORDERS' does not exist or not authorized.", RIGHTS),
        ("permission denied for table orders", RIGHTS),
        ("Access Denied: Table p:d.t: User does not have permission to query table", RIGHTS),
        ('relation "orders" does not exist', TABLE),
        ("Catalog Error: Table with name orders does not exist!", TABLE),
        ("Not found: Table p:d.orders was not found in location EU", TABLE),
        ("[TABLE_OR_VIEW_NOT_FOUND] The table or view `orders` cannot be found.", TABLE),
        ("Invalid object name 'orders'.", TABLE),
        ("View definition for 'V' declared 3 column(s), but view query produces 4 column(s).", VIEW),
        ("Invalid data type [VARIANT] for predicate [ROW(A, B)]", TYPES),
        ("operator does not exist: integer = text", TYPES),
        ("No matching signature for operator = for argument types: INT64, STRING.", TYPES),
        ('syntax error at or near "FORM"', "not valid SQL"),
        ("division by zero", "NULLIF"),
    ],
)
def test_known_refusals_come_with_what_to_do(words: str, hint: str) -> None:
    error = QueryError(words)
    assert error.message == words
    assert hint in error.hint


def test_a_hint_of_the_source_itself_is_kept_and_unknown_words_get_none() -> None:
    assert (
        QueryError('column "emial" does not exist', hint="Perhaps you meant email.").hint == "Perhaps you meant email."
    )
    assert QueryError("The warehouse is suspended.").hint == ""
