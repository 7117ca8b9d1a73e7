"""Uploads of files that are larger than one piece."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from connectors.sdk.errors import InternalError, Unavailable
from connectors.sdk.files import uploads
from connectors.sdk.net import Response


@dataclass
class Line:
    """Stands for a service that takes pieces; keeps what it was sent."""

    unfinished: int = 308
    sent: list[tuple[Any, ...]] = field(default_factory=list)

    async def send(self, method: str, path: str, *, body: bytes = b"", **more: Any) -> Response:
        about = (more.get("headers") or {}).get("Content-Range") or (more.get("query") or {}).get("comp") or "whole"
        self.sent.append((method, path, about, body))
        return Response(self.unfinished if about.endswith("/*") else 200, {}, b"", path)


async def start(path: str) -> str:
    return f"https://elsewhere.test/upload/{path}?id=1"


async def ended_early(line: Line) -> None:
    async with uploads.Resumable(line, start).open("a") as file:  # type: ignore[arg-type]  # as above
        await file.write(b"abcdefgh")


async def broken_off(line: Line) -> None:
    async with uploads.Blobs(line).open("a") as file:  # type: ignore[arg-type]  # as above
        await file.write(b"abcdefghi")
        raise Unavailable("The spool could not be read.")


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "_PIECE", 4)


async def test_a_resumable_upload_goes_on_piece_by_piece_on_the_host_it_began_on() -> None:
    line = Line()
    async with uploads.Resumable(line, start).open("a") as file:  # type: ignore[arg-type]  # as above
        for data in (b"abc", b"defghi", b"", b"j"):
            await file.write(data)
    where = ("PUT", "/upload/a?id=1")
    assert line.sent == [
        (*where, "bytes 0-3/*", b"abcd"),
        (*where, "bytes 4-7/*", b"efgh"),
        (*where, "bytes 8-9/10", b"ij"),
    ]


async def test_an_empty_file_is_one_request_and_an_early_end_is_an_error() -> None:
    line = Line()
    async with uploads.Resumable(line, start).open("a"):  # type: ignore[arg-type]  # as above
        pass
    assert [sent[2:] for sent in line.sent] == [("bytes */0", b"")]
    with pytest.raises(InternalError):
        await ended_early(Line(unfinished=200))


async def test_blocks_become_a_blob_when_they_are_listed_and_not_before() -> None:
    line = Line()
    async with uploads.Blobs(line).open("a b") as file:  # type: ignore[arg-type]  # as above
        await file.write(b"abcdefghi")
    listed = line.sent.pop()
    assert [(sent[1], sent[2], sent[3]) for sent in line.sent] == [
        ("a%20b", "block", b"abcd"),
        ("a%20b", "block", b"efgh"),
        ("a%20b", "block", b"i"),
    ]
    assert listed[2] == "blocklist"
    assert listed[3].count(b"<Latest>") == 3
    broken = Line()
    with pytest.raises(Unavailable):
        await broken_off(broken)
    assert [sent[2] for sent in broken.sent] == ["block", "block"]
