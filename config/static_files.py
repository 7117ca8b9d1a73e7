"""Built assets, served by the web process itself."""

from __future__ import annotations

import re

from django.http import HttpRequest, HttpResponse
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.responders import StaticFile

# The build puts a hash of the content into every name under assets/, so these never change.
_HASHED = re.compile(r"/app/assets/[^/]+-[\w-]{8}\.\w+$")


class StaticFilesMiddleware(WhiteNoiseMiddleware):  # type: ignore[misc]  # the library ships no types
    """WhiteNoise for an ASGI server: whole files, since it can only stream to a WSGI one."""

    @staticmethod
    def serve(static_file: StaticFile, request: HttpRequest) -> HttpResponse:
        """The file in one piece; ours are under a megabyte, and compressed beside."""
        answer = static_file.get_response(request.method, request.META)
        body = b""
        if answer.file is not None:
            with answer.file:
                body = answer.file.read()
        response = HttpResponse(body, status=int(answer.status))
        del response.headers["Content-Type"]
        for name, value in answer.headers:
            response.headers[name] = value
        return response

    def immutable_file_test(self, path: str, url: str) -> bool:
        """Whether browsers may keep the file for ever."""
        return bool(_HASHED.search(url))
