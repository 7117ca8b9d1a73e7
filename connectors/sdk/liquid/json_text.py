"""JSON as templates produce it: with trailing commas left by loops; and read without loss."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

from connectors.sdk.nesting import MAX_DEPTH, NestedTooDeep, nested_too_deep

# Strings are matched whole, so that commas inside them are never touched. Every branch always matches to its
# end, also where a string is never closed: what rows put into a template must not take quadratic time.
_STRING_OR_COMMA = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|,(?:\s*+,)*+(?P<last>\s*+(?:(?=[}\]])|\Z))?+', re.DOTALL)


def strip_trailing_commas(text: str) -> str:
    """``text`` without commas before a closing bracket or at its end; strings stay as they are."""
    return _STRING_OR_COMMA.sub(lambda m: m.group() if m["last"] is None else m["last"], text)


def parse_json(text: str) -> Any:
    """A JSON value with fractions as decimals, so that no digit is lost; raises ``ValueError``."""
    if nested_too_deep(text):
        raise NestedTooDeep(f"nested more than {MAX_DEPTH} levels deep")
    return json.loads(text, parse_float=Decimal, parse_constant=_refuse)


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
