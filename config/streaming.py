"""Answers that are made while they are sent."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from asgiref.sync import sync_to_async
from django.http import FileResponse, StreamingHttpResponse


class StreamedResponse(StreamingHttpResponse):
    """A streamed answer from an ordinary iterator.

    Django would first gather such an iterator whole under ASGI; here each piece is fetched when the one before
    it has been sent, whatever the size of the whole.
    """

    async def __aiter__(self) -> AsyncIterator[bytes]:
        pieces: Iterator[bytes] = iter(self.streaming_content)  # type: ignore[arg-type]  # ours are never asynchronous

        def following() -> bytes | None:
            return next(pieces, None)

        while (piece := await sync_to_async(following)()) is not None:
            yield piece


class StreamedFile(StreamedResponse, FileResponse):
    """A file that is read while it is sent."""
