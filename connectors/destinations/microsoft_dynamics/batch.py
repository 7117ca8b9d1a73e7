"""Many operations in one request, as OData has it: HTTP requests in parts of a message, and answers likewise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

import orjson

from connectors.sdk.errors import InternalError
from connectors.sdk.rest import Line, Record
from connectors.sdk.rows import dumps

BOUNDARY = "batch_of_rows"  # JSON has no lines that could be taken for it


@dataclass(frozen=True, slots=True)
class Operation:
    """One request of a batch."""

    method: str
    path: str
    body: Record | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """What one operation was answered."""

    status: int
    message: str = ""


async def send(line: Line, version_path: str, operations: Sequence[Operation]) -> list[Answer]:
    """Send all; an operation that is refused does not stop those after it."""
    body = b"".join([*(_part(version_path, each) for each in operations), f"--{BOUNDARY}--\r\n".encode()])
    response = await line.send(
        "POST",
        "$batch",
        body=body,
        content_type=f"multipart/mixed;boundary={BOUNDARY}",
        headers={"Prefer": "odata.continue-on-error"},
    )
    answers = _answers(response.headers.get("content-type", ""), response.body)
    if len(answers) != len(operations):
        raise InternalError(f"{len(answers)} answers came for {len(operations)} operations.")
    return answers


def _part(version_path: str, each: Operation) -> bytes:
    headers = {**({"Content-Type": "application/json"} if each.body is not None else {}), **each.headers}
    told = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = f"--{BOUNDARY}\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
    asked = f"{each.method} {version_path}/{each.path} HTTP/1.1\r\n{told}\r\n"
    return f"{head}{asked}".encode() + (dumps(each.body) if each.body is not None else b"") + b"\r\n"


def _answers(content_type: str, body: bytes) -> list[Answer]:
    message = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
    return [_answer(part.get_payload(decode=True)) for part in message.iter_parts()]


def _answer(part: Any) -> Answer:
    head, _, body = bytes(part).partition(b"\r\n\r\n")
    status = int(head.split(b" ", 2)[1])
    if status < 400:
        return Answer(status)
    try:
        return Answer(status, str(orjson.loads(body)["error"]["message"]))
    except (orjson.JSONDecodeError, LookupError, TypeError):
        return Answer(status, body.decode("utf-8", "replace")[:500])
