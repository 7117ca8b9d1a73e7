"""A JSON value as nested, foldable HTML that works without scripts."""

from __future__ import annotations

import json
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

# Levels that start open, and children shown before the rest is only counted.
OPEN_LEVELS = 2
MAX_CHILDREN = 500


def json_tree(value: Any) -> SafeString:
    """The tree of a decoded JSON value; strings are shown quoted, long lists are cut and counted."""
    return _node("", value, 0)


def json_text(value: Any) -> str:
    """The value as indented JSON text; a string that already is JSON is decoded first."""
    return json.dumps(decoded(value), indent=2, ensure_ascii=False, default=str)


def decoded(value: Any) -> Any:
    """A string that holds a JSON object or list as that; anything else as it is."""
    if not isinstance(value, str) or value.lstrip()[:1] not in {"{", "["}:
        return value
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        return value


def _node(key: str, value: Any, depth: int) -> SafeString:
    name = format_html('<span class="json-key">{}</span>: ', key) if key else mark_safe("")
    if isinstance(value, dict):
        return _branch(name, "{}", list(value.items()), depth)
    if isinstance(value, list):
        return _branch(name, "[]", [(str(i), item) for i, item in enumerate(value)], depth)
    return format_html('<div class="leaf">{}{}</div>', name, _leaf(value))


def _branch(name: SafeString, brackets: str, items: list[tuple[str, Any]], depth: int) -> SafeString:
    if not items:
        return format_html('<div class="leaf">{}{}</div>', name, brackets)
    size = f"{len(items)} {'item' if len(items) == 1 else 'items'}"
    children = format_html_join("", "{}", ((_node(k, v, depth + 1),) for k, v in items[:MAX_CHILDREN]))
    more = len(items) - MAX_CHILDREN
    rest = format_html('<div class="leaf json-size">and {} more</div>', more) if more > 0 else ""
    return format_html(
        '<details{}><summary>{}{} <span class="json-size">{}</span></summary><div>{}{}</div></details>',
        mark_safe(" open") if depth < OPEN_LEVELS else "",
        name,
        brackets[0] + "…" + brackets[1],
        size,
        children,
        rest,
    )


def _leaf(value: Any) -> SafeString:
    if value is None or isinstance(value, bool):
        return format_html('<span class="json-word">{}</span>', json.dumps(value))
    if isinstance(value, int | float):
        return format_html('<span class="json-number">{}</span>', json.dumps(value))
    return format_html('<span class="json-string">{}</span>', json.dumps(str(value), ensure_ascii=False))
