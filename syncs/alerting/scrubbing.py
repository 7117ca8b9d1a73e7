"""Row values taken out of what a source or destination said, before it leaves in a message.

Systems quote the values they stumble over. Names of tables, columns and the like are kept, as
they are what helps; other quoted text, e-mail addresses and telephone numbers are not.
"""

from __future__ import annotations

import re

HIDDEN = "[hidden]"
MAX_CHARS = 600

_NAMES = (
    "column|columns|relation|table|view|schema|database|catalog|dataset|constraint|index|key|role|user|function|type|"
    "field|property|attribute|object|parameter|setting|option|host|server|sequence|warehouse|stage|bucket|permission"
)
# "Key (email)=(ada@example.com)", "Failing row contains (1, ada, …)"
_TUPLE = re.compile(r"((?:=|contains|values?)\s*)\((?:[^()]|\([^()]*\))*\)", re.IGNORECASE)
# A quote that was cut off reaches to the end; an apostrophe is no such quote.
_QUOTED = re.compile(
    rf"(?P<noun>\b(?:{_NAMES})s?:?\s+)?(?:(?P<quote>[\"`])(?:(?!(?P=quote)).)+(?:(?P=quote)|\Z)|'[^']+')",
    re.DOTALL,
)
# An answer that is a web page: its words are between the tags.
_PAGE = re.compile(r"<!doctype html|<html", re.IGNORECASE)
_TAG = re.compile(r"<(?:style|script)\b.{0,20000}?</(?:style|script)>|<[^<>]{1,500}>", re.IGNORECASE | re.DOTALL)
_EMAIL = re.compile(r"[\w.+'-]+@[\w-]+(?:\.[\w-]+)+")
_PHONE = re.compile(r"(?<![\w-])\+?\d(?:[ ().-]?\d){8,14}(?![\w-])")


def scrubbed(words: str) -> str:
    """The other side's words without row values, at most a few lines long."""
    text = " ".join(_TAG.sub(" ", words).split()) if _PAGE.search(words) else words
    text = _TUPLE.sub(rf"\1({HIDDEN})", text)
    text = _QUOTED.sub(_without_value, text)
    text = _PHONE.sub(HIDDEN, _EMAIL.sub(HIDDEN, text))
    return text if len(text) <= MAX_CHARS else text[: MAX_CHARS - 1] + "…"


def _without_value(found: re.Match[str]) -> str:
    if found["noun"]:
        return found[0]
    quote = found["quote"] or "'"
    return f"{quote}{HIDDEN}{quote}"
