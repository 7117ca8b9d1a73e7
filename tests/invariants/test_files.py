"""Small files, and no silent exception from the type checker."""

from __future__ import annotations

import re

from tests.invariants.tree import CHECKOUT, PACKAGES, files, source

LONGEST = 500
BARE_IGNORE = re.compile(r"type:\s*ignore(?!\[)")
BARE_NOQA = re.compile(r"#\s*noqa(?!:\s*[A-Z])")
MERGE = re.compile(r"^(<{7}|>{7}) ", re.MULTILINE)
ALL = (*PACKAGES, "tests", "benchmarks")


def test_no_file_is_longer_than_a_reader_can_hold() -> None:
    long = {str(path): len(source(path).splitlines()) for path in files(*ALL) if "migrations" not in path.parts}
    templates = (CHECKOUT / "templates").rglob("*.html")
    long |= {str(path.relative_to(CHECKOUT)): len(path.read_text().splitlines()) for path in templates}
    assert {path: lines for path, lines in long.items() if lines > LONGEST} == {}


def test_every_type_ignore_and_noqa_names_its_code() -> None:
    bare = [
        f"{path}:{number}"
        for path in files(*ALL)
        for number, line in enumerate(source(path).splitlines(), start=1)
        if (BARE_IGNORE.search(line) or BARE_NOQA.search(line)) and path.name != "test_files.py"
    ]
    assert bare == []


def test_no_text_holds_the_marks_of_a_merge() -> None:
    told = [CHECKOUT / "README.md", CHECKOUT / "CHANGELOG.md", *(CHECKOUT / "docs").rglob("*.md"), *files(*ALL)]
    marked = [path.name for path in told if MERGE.search((CHECKOUT / path).read_text(encoding="utf-8"))]
    assert marked == []
