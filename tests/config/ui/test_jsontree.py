"""JSON as a foldable tree."""

from config.ui.jsontree import MAX_CHILDREN, decoded, json_text, json_tree


def test_every_kind_of_value_has_its_look_and_is_escaped() -> None:
    html = json_tree({"a": "<script>", "n": 1.5, "t": True, "z": None, "e": {}})
    assert "<script>" not in html
    assert '<span class="json-string">&quot;&lt;script&gt;&quot;</span>' in html
    assert '<span class="json-number">1.5</span>' in html
    assert html.count("json-word") == 2


def test_a_long_list_is_cut_and_counted() -> None:
    html = json_tree(list(range(MAX_CHILDREN + 7)))
    assert "and 7 more" in html
    assert f"{MAX_CHILDREN + 7} items" in html


def test_text_that_holds_json_is_decoded_and_other_text_is_left() -> None:
    assert decoded('{"a": 1}') == {"a": 1}
    assert decoded("{not json") == "{not json"
    assert json_text('{"a":1}') == '{\n  "a": 1\n}'
