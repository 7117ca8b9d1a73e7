"""Calls of the REST API."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator, Mapping
from typing import Any

import httpx

from headrace_cli import __version__
from headrace_cli.errors import ApiError, CliError, NotSignedIn
from headrace_cli.profiles import Profile

ATTEMPTS = 5
LONGEST_PAUSE = 60.0
PAGE = 200
# The name of a kind of thing in commands → its path in the API.
PATHS = {
    "source": "sources",
    "model": "models",
    "destination": "destinations",
    "sync": "syncs",
    "sequence": "sync-sequences",
}
Json = dict[str, Any]


class Client:
    """One workspace, as the key's owner may see it."""

    def __init__(self, profile: Profile) -> None:
        self._http = httpx.Client(
            base_url=f"{profile.url}/api/v1",
            headers={"Authorization": f"Bearer {profile.key}", "User-Agent": f"headrace-cli/{__version__}"},
            timeout=httpx.Timeout(60.0, connect=10.0),
            verify=_trusted(),
        )

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def get(self, path: str, **query: Any) -> Json:
        """Read; asks again for a while where the server is busy or just starting."""
        return self._answer("GET", path, params={name: value for name, value in query.items() if value is not None})

    def post(self, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Json:
        """Write; asks again only where the server said that it did nothing (429)."""
        return self._answer("POST", path, json=body if body is not None else {}, headers=dict(headers or {}))

    def every(self, kind: str, **query: Any) -> Iterator[Json]:
        """All things of a kind, page by page."""
        offset = 0
        while True:
            page = self.get(f"/{PATHS[kind]}", limit=PAGE, offset=offset, **query)
            yield from page["data"]
            if not page.get("hasMore"):
                return
            offset += PAGE

    def find(self, kind: str, wanted: str) -> Json:
        """One thing by its id, its slug, or its name where only one has it."""
        if wanted.isascii() and wanted.isdigit():
            return self.get(f"/{PATHS[kind]}/{wanted}")
        for field in ("slug", "name"):
            found = list(self.every(kind, **{field: wanted}))
            if len(found) > 1:
                ids = ", ".join(str(item["id"]) for item in found)
                raise CliError(f"{len(found)} {kind}s are called “{wanted}”.", hint=f"Name one by its id: {ids}.")
            if found:
                return found[0]
        raise CliError(f"There is no {kind} “{wanted}” in this workspace.", hint=f"`headrace {kind}s` lists them.")

    def _answer(self, method: str, path: str, **options: Any) -> Json:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                response = self._http.request(method, path, **options)
            except httpx.HTTPError as error:
                if method != "GET" or attempt == ATTEMPTS:
                    raise CliError(
                        f"{self._http.base_url.host} could not be reached: {str(error) or type(error).__name__}."
                    ) from error
                time.sleep(attempt)
                continue
            if attempt < ATTEMPTS and _worth_another_try(method, response):
                time.sleep(_pause(response, attempt))
                continue
            return _body_of(response)
        raise AssertionError("the last attempt answers or raises")


def _trusted() -> ssl.SSLContext:
    """httpx's own context, TLS 1.2 or later: some distributions' Python would agree to less."""
    context = httpx.create_ssl_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _worth_another_try(method: str, response: httpx.Response) -> bool:
    return response.status_code == 429 or (method == "GET" and response.status_code in (502, 503, 504))


def _pause(response: httpx.Response, attempt: int) -> float:
    """Seconds to wait: what the server asks for, within reason."""
    asked = response.headers.get("Retry-After", "")
    return min(float(asked), LONGEST_PAUSE) if asked.isdigit() else float(attempt)


def _body_of(response: httpx.Response) -> Json:
    try:
        body = response.json()
    except ValueError:
        body = None
    if response.is_success and isinstance(body, dict):
        return body
    if not isinstance(body, dict):
        raise ApiError(
            response.status_code,
            f"The server answered {response.status_code} with something else than JSON.",
            hint="Is the address that of a Headrace?",
        )
    message, hint = str(body.get("message") or response.reason_phrase), str(body.get("hint") or "")
    details = _details(body.get("details"))
    whole = f"{message}: {details}" if details else message
    if response.status_code == 401:
        raise NotSignedIn(whole, hint="Run `headrace login` with a key that works.")
    raise ApiError(response.status_code, whole, hint, str(body.get("code") or ""))


def _details(details: Any) -> str:
    """What is wrong with each field, in one line."""
    if isinstance(details, Mapping):
        return "; ".join(f"{name}: {_details(value)}" if name else _details(value) for name, value in details.items())
    if isinstance(details, list):
        return ", ".join(_details(item) for item in details)
    return str(details or "")
