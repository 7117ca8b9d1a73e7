"""Templates hold no script and no style of their own: the content security policy forbids both."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.invariants.tree import CHECKOUT

RULES = {
    "inline script": re.compile(r"<script(?![^>]*\bsrc\s*=)(?![^>]*type=\"application/json\")[^>]*>", re.IGNORECASE),
    "style element": re.compile(r"<style\b", re.IGNORECASE),
    "style attribute": re.compile(r"(?<=\s)style\s*=", re.IGNORECASE),
    "event attribute": re.compile(r"(?<=\s)on[a-z]+\s*=\s*[\"']", re.IGNORECASE),
    "hx-on": re.compile(r"\bhx-on\b", re.IGNORECASE),
    "javascript address": re.compile(r"[\"']\s*javascript:", re.IGNORECASE),
}
COMMENT = re.compile(r"\{#.*?#\}|\{% comment.*?endcomment %\}|<!--.*?-->", re.DOTALL)


def broken_rules(text: str) -> list[str]:
    bare = COMMENT.sub("", text)
    return [name for name, pattern in RULES.items() if pattern.search(bare)]


def templates() -> list[Path]:
    return sorted((CHECKOUT / "templates").rglob("*.html"))


def test_no_template_has_inline_script_or_style() -> None:
    found = {str(path.relative_to(CHECKOUT)): broken_rules(path.read_text()) for path in templates()}
    assert {path: rules for path, rules in found.items() if rules} == {}


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<style>a{}</style>",
        '<p style="color:red">',
        '<a onclick="go()">',
        '<div hx-on:click="x">',
        '<a href="javascript:x">',
    ],
)
def test_the_rules_see_what_they_forbid(text: str) -> None:
    assert broken_rules(text)


@pytest.mark.parametrize(
    "text",
    [
        '<script src="/a.js" type="module"></script>',
        '<script type="application/json" id="x">{}</script>',
        '<c-button variant="primary" data-on-click="x">',
        "{# style= #}",
    ],
)
def test_the_rules_let_the_rest_be(text: str) -> None:
    assert broken_rules(text) == []
