"""What changed, line by line and field by field."""

from config.ui.diff import FieldChange, diff_of, field_changes

LONG = [f"line {number}" for number in range(40)]


def _lines(before: object, after: object) -> list[tuple[str, str]]:
    return [(line.sign, line.html) for block in diff_of(before, after).blocks for line in block.lines]


def test_a_changed_line_shows_which_words_differ() -> None:
    assert _lines("select id, email", "select id, phone") == [
        ("−", "select id, <del>email</del>"),
        ("+", "select id, <ins>phone</ins>"),
    ]


def test_values_are_escaped_in_every_kind_of_line() -> None:
    text = "".join(html for _, html in _lines("same <i>\n<b>old</b> x y z\ngone <u>", "same <i>\n<b>new</b> x y z"))
    assert "<b>" not in text
    assert "<i>" not in text
    assert "<u>" not in text
    assert "&lt;b&gt;" in text


def test_long_unchanged_stretches_fold_and_nothing_is_lost() -> None:
    after = [*LONG]
    after[20] = "changed"
    diff = diff_of("\n".join(LONG), "\n".join(after))
    assert [(block.folded, len(block.lines)) for block in diff.blocks] == [
        (True, 17),
        (False, 3),
        (False, 2),
        (False, 3),
        (True, 16),
    ]
    assert (diff.added, diff.removed) == (1, 1)


def test_json_is_compared_by_content_not_by_the_order_of_keys() -> None:
    assert not diff_of({"a": 1, "b": [1, 2]}, {"b": [1, 2], "a": 1}).changed


def test_a_missing_side_is_empty() -> None:
    assert diff_of(None, {"a": 1}).removed == 0


def test_fields_name_what_was_added_removed_and_changed() -> None:
    assert field_changes({"a": 1, "b": "x", "c": 1}, {"b": "y", "c": 1, "d": None}) == [
        FieldChange("a", "1", None),
        FieldChange("b", "x", "y"),
        FieldChange("d", None, "null"),
    ]
