"""The guides of ``docs/`` as pages, so that an installation without a way to the internet has them too."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.conf import settings
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

DOCS: Path = settings.BASE_DIR / "docs"
FOLDERS = ("guides", "concepts")


@dataclass(frozen=True, slots=True)
class Guide:
    """A guide as HTML."""

    title: str
    body: SafeString


@cache
def names() -> dict[str, str]:
    """The guides there are: the name in an address → the path below ``docs/``."""
    found = {path.stem: f"{folder}/{path.name}" for folder in FOLDERS for path in sorted((DOCS / folder).glob("*.md"))}
    return {**found, "running": "running.md"}


def guide(name: str, address: Callable[[str], str]) -> Guide | None:
    """The guide of this name; ``address`` gives the page of another one, for the links between them."""
    path = names().get(name)
    if path is None:
        return None
    title, _, text = (DOCS / path).read_text(encoding="utf-8").partition("\n")
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(text)
    for token in tokens:
        _lead(token, posixpath.dirname(path), address)
    # Written by us, and rendered with HTML switched off.
    return Guide(title.lstrip("# "), mark_safe(parser.renderer.render(tokens, parser.options, {})))  # noqa: S308


def _lead(block: Token, folder: str, address: Callable[[str], str]) -> None:
    """Let links lead to the pages of other guides; those to what is no guide stay words, and so do pictures."""
    pages = {path: name for name, path in names().items()}
    block.children = [child for child in block.children or [] if child.type != "image"] if block.children else None
    inside: list[bool] = []
    for child in list(block.children or []):
        if child.type == "link_open":
            target = str(child.attrs["href"])
            name = pages.get(posixpath.normpath(posixpath.join(folder, target.partition("#")[0])))
            leads = name is not None or target.startswith("https://")
            inside.append(leads)
            if name is not None:
                child.attrSet("href", address(name))
            child.tag, child.attrs = ("a", child.attrs) if leads else ("span", {})
        elif child.type == "link_close":
            child.tag = "a" if inside.pop() else "span"
