"""The documentation as programs read it: whole, current, and nothing else of the disk."""

from __future__ import annotations

import re

import pytest
from django.conf import settings
from django.test import Client

from config.guides import DOCS


def test_the_index_lists_every_page_of_the_parts_for_users_and_each_opens() -> None:
    client = Client()
    index = client.get("/llms.txt")
    assert index["Content-Type"] == "text/plain; charset=utf-8"
    listed = set(re.findall(rf"\({re.escape(settings.BASE_URL)}/docs/([^)]+)\)", index.text))
    parts = ("guides", "concepts", "sources", "destinations", "reference", "security")
    written = {path.relative_to(DOCS).as_posix() for part in parts for path in (DOCS / part).glob("*.md")}
    assert listed == written | {"running.md", "api.md"}
    for name in listed:
        assert client.get(f"/docs/{name}").text == (DOCS / name).read_text(), name
    assert all(line.partition("): ")[2].strip() for line in index.text.splitlines() if "/docs/" in line)


def test_the_whole_text_holds_every_page() -> None:
    whole = Client().get("/llms-full.txt").text
    for path in (DOCS / "guides").glob("*.md"):
        assert path.read_text().strip() in whole, path.name


def test_the_skill_speaks_of_this_installation() -> None:
    skill = Client().get("/skill.md").text
    assert skill.startswith("---\nname: headrace\n")
    assert f"{settings.BASE_URL}/api/v1/openapi.json" in skill
    assert "headrace.example" not in skill


@pytest.mark.parametrize("name", ["../README.md", "..%2FREADME.md", "adr/0002-tenancy.md", "guides", "guides/none.md"])
def test_nothing_else_is_read(db: None, name: str) -> None:
    assert Client().get(f"/docs/{name}").status_code == 404
