"""How deep JSON text is nested: values that nobody could write again are not taken apart."""

from __future__ import annotations

import re

# orjson writes 254 levels; a batch, a payload and a request's envelope add a few of their own.
MAX_DEPTH = 200
# Strings are matched whole, so that brackets inside them do not count.
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)


class NestedTooDeep(ValueError):
    """JSON text with more levels than can be written again."""


def nested_too_deep(text: str) -> bool:
    """Whether JSON text has more than ``MAX_DEPTH`` levels."""
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return False
    depth = deepest = 0
    for found in _STRING_OR_BRACKET.finditer(text):
        if found[0] in ("[", "{"):
            depth += 1
            deepest = max(deepest, depth)
        elif found[0] in ("]", "}"):
            depth -= 1
    return deepest > MAX_DEPTH
