"""The documentation for programs that read: ``/llms.txt`` lists every page, ``/llms-full.txt`` holds them all,
``/skill.md`` teaches an assistant to work with Headrace. All three are made of ``docs/`` as it is installed, so they
are as new as what runs.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from config.guides import DOCS
from workspaces.routes import public

# What each part of the documentation is about, in the order in which one reads it.
AREAS = {
    "Guides": "guides",
    "How it works": "concepts",
    "Sources": "sources",
    "Destinations": "destinations",
    "Reference": "reference",
    "Security": "security",
}
FIRST = ("running.md", "api.md")
SKILL = DOCS / "skill.md"
ABOUT = "Headrace syncs what a company's warehouse knows into the tools its teams work in, under governance."
_SENTENCE = re.compile(r".+?[.:](?=\s|$)", re.DOTALL)


@public("the documentation of an open product; it holds nothing of this installation but its address")
@require_GET
def machine_docs(request: HttpRequest, name: str) -> HttpResponse:
    """One of the three files, or one page as it was written."""
    makers = {"llms.txt": index, "llms-full.txt": whole, "skill.md": skill}
    if name in makers:
        text = makers[name]()
    elif name in {path.relative_to(DOCS).as_posix() for path in _all_pages()}:
        text = (DOCS / name).read_text(encoding="utf-8")
    else:
        raise Http404
    kind = "markdown" if name.endswith(".md") else "plain"
    return HttpResponse(text, content_type=f"text/{kind}; charset=utf-8")


@cache
def index() -> str:
    """Every page by area, with the first sentence of each."""
    parts = [f"# Headrace\n\n> {ABOUT}\n\nAll pages in one file: {_address('llms-full.txt')}\n"]
    for title, pages in _areas():
        lines = [f"- [{_title(page)}]({_page_address(page)}): {_lead(page)}" for page in pages]
        parts.append(f"## {title}\n\n" + "\n".join(lines) + "\n")
    api = [("OpenAPI document", "api/v1/openapi.json"), ("Skill for assistants", "skill.md")]
    parts.append("## For programs\n\n" + "\n".join(f"- [{name}]({_address(path)})" for name, path in api) + "\n")
    return "\n".join(parts)


@cache
def whole() -> str:
    """The text of every page, each under its address."""
    return "\n\n".join(
        f"<!-- {_page_address(page)} -->\n\n{page.read_text(encoding='utf-8').strip()}" for page in _all_pages()
    )


@cache
def skill() -> str:
    """What an assistant has to know, and where the rest stands."""
    return SKILL.read_text(encoding="utf-8").replace("https://headrace.example", settings.BASE_URL)


def _areas() -> list[tuple[str, list[Path]]]:
    found = [("Start", [DOCS / name for name in FIRST])]
    found += [(title, sorted((DOCS / folder).glob("*.md"))) for title, folder in AREAS.items()]
    return found


def _all_pages() -> list[Path]:
    return [page for _, pages in _areas() for page in pages]


def _title(page: Path) -> str:
    return page.read_text(encoding="utf-8").partition("\n")[0].lstrip("# ")


def _lead(page: Path) -> str:
    """The first sentence that is no heading, list, table or comment."""
    blocks = page.read_text(encoding="utf-8").split("\n\n")[1:]
    text = next((block for block in blocks if block.strip() and block.lstrip()[0] not in "#-|<`!"), "")
    found = _SENTENCE.match(" ".join(text.split()))
    return (found[0] if found else " ".join(text.split())).rstrip(":")


def _page_address(page: Path) -> str:
    return _address(f"docs/{page.relative_to(DOCS).as_posix()}")


def _address(path: str) -> str:
    return f"{settings.BASE_URL}/{path}"
