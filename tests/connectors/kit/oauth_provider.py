"""A real OAuth 2 provider on loopback: oauthlib's own server, PKCE required, refresh tokens good for one use.

Besides the provider's page and token address it has an API that takes requests with a
valid access token only, and keeps what it received.
"""

from __future__ import annotations

import base64
import html
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from oauthlib.common import Request
from oauthlib.oauth2 import FatalClientError, OAuth2Error, RequestValidator, Server

CLIENT_ID, CLIENT_SECRET = "headrace", "s3cret-of-the-client"
PAGE = """<!doctype html><html lang="en"><title>Allow access</title><main><h1>Allow Headrace?</h1>
<form method="post" action="{action}"><button name="allow" value="1">Allow</button>
<button name="allow" value="">Deny</button></form></main></html>"""


@dataclass
class Provider(RequestValidator):
    """What the provider knows. ``lifetime``: seconds that access tokens hold from now on."""

    redirect_uri: str = ""  # the only one registered; empty takes any
    lifetime: int = 3600
    port: int = 0
    codes: dict[str, dict[str, Any]] = field(default_factory=dict)
    access: set[str] = field(default_factory=set)
    refresh: dict[str, list[str]] = field(default_factory=dict)
    spent: set[str] = field(default_factory=set)
    asked: list[dict[str, str]] = field(default_factory=list)  # forms of token requests
    headers: list[Mapping[str, str]] = field(default_factory=list)  # of token requests
    received: list[Any] = field(default_factory=list)  # bodies of API requests
    reused: int = 0  # refresh tokens that came a second time
    down: bool = False  # answers token requests with 503

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def settings(self) -> dict[str, Any]:
        """The OAuth section of an HTTP Request destination that uses this provider."""
        return {
            "grant": "authorization_code",
            "auth_url": f"{self.url}/authorize?tenant=acme",
            "token_url": f"{self.url}/token",
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "scope": "rows.write",
        }

    def revoke(self) -> None:
        """As when a person withdraws their consent on the provider's pages."""
        self.access.clear()
        self.refresh.clear()

    def expire(self) -> None:
        """Access tokens stop working at once; refresh tokens stay."""
        self.access.clear()

    # What oauthlib asks.

    def validate_client_id(self, client_id: str, request: Request, *args: Any, **kwargs: Any) -> bool:
        return client_id == CLIENT_ID

    def validate_redirect_uri(
        self, client_id: str, redirect_uri: str, request: Request, *args: Any, **kwargs: Any
    ) -> bool:
        return not self.redirect_uri or redirect_uri == self.redirect_uri

    def validate_response_type(
        self, client_id: str, response_type: str, client: Any, request: Request, *args: Any, **kwargs: Any
    ) -> bool:
        return response_type == "code"

    def validate_scopes(
        self, client_id: str, scopes: list[str], client: Any, request: Request, *args: Any, **kwargs: Any
    ) -> bool:
        return set(scopes) <= {"rows.write"}

    def get_default_scopes(self, client_id: str, request: Request, *args: Any, **kwargs: Any) -> list[str]:
        return ["rows.write"]

    def is_pkce_required(self, client_id: str, request: Request) -> bool:
        return True

    def save_authorization_code(self, client_id: str, code: Any, request: Request, *args: Any, **kwargs: Any) -> None:
        self.codes[code["code"]] = {
            "redirect_uri": request.redirect_uri,
            "challenge": request.code_challenge,
            "method": request.code_challenge_method,
            "scopes": request.scopes,
        }

    def get_code_challenge(self, code: str, request: Request) -> str:
        return str(self.codes[code]["challenge"])

    def get_code_challenge_method(self, code: str, request: Request) -> str:
        return str(self.codes[code]["method"])

    def authenticate_client(self, request: Request, *args: Any, **kwargs: Any) -> bool:
        given = (request.client_id, request.client_secret)
        scheme, _, pair = request.headers.get("Authorization", "").partition(" ")
        if scheme == "Basic":
            name, _, secret = base64.b64decode(pair).decode().partition(":")
            given = (unquote(name), unquote(secret))
        request.client = type("Client", (), {"client_id": CLIENT_ID})()
        return given == (CLIENT_ID, CLIENT_SECRET)

    def validate_grant_type(
        self, client_id: str, grant_type: str, client: Any, request: Request, *args: Any, **kwargs: Any
    ) -> bool:
        return grant_type in ("authorization_code", "refresh_token")

    def validate_code(
        self, client_id: str, code: str, client: Any, request: Request, *args: Any, **kwargs: Any
    ) -> bool:
        if known := self.codes.get(code):
            request.scopes = known["scopes"]
            request.user = "a person"
        return known is not None

    def confirm_redirect_uri(
        self, client_id: str, code: str, redirect_uri: str, client: Any, request: Request, *args: Any, **kwargs: Any
    ) -> bool:
        return bool(self.codes[code]["redirect_uri"] == redirect_uri)

    def invalidate_authorization_code(
        self, client_id: str, code: str, request: Request, *args: Any, **kwargs: Any
    ) -> None:
        del self.codes[code]

    def save_bearer_token(self, token: Mapping[str, Any], request: Request, *args: Any, **kwargs: Any) -> str | None:
        self.access.add(token["access_token"])
        self.refresh[token["refresh_token"]] = token["scope"].split()
        if old := request.refresh_token:
            self.refresh.pop(old, None)
            self.spent.add(old)
        return None

    def validate_refresh_token(
        self, refresh_token: str, client: Any, request: Request, *args: Any, **kwargs: Any
    ) -> bool:
        if refresh_token in self.spent:
            # As RFC 9700 asks of providers: a second use ends everything the first one gave.
            self.reused += 1
            self.revoke()
        request.user = "a person"
        return refresh_token in self.refresh

    def get_original_scopes(self, refresh_token: str, request: Request, *args: Any, **kwargs: Any) -> list[str]:
        return self.refresh[refresh_token]


class Handler(BaseHTTPRequestHandler):
    """HTTP in front of oauthlib."""

    provider: Provider
    server_of: Server
    lock: threading.Lock

    def do_GET(self) -> None:
        if self.path.startswith("/authorize"):
            return self._authorize("")
        return self._answer(204, {}) if self.path == "/favicon.ico" else self._api()

    def do_HEAD(self) -> None:
        self._api()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        if self.path.startswith("/authorize"):
            return self._authorize(body)
        return self._token(body) if self.path.startswith("/token") else self._api(body)

    def _authorize(self, body: str) -> None:
        uri = f"{self.provider.url}{self.path}"
        try:
            scopes, _ = self.server_of.validate_authorization_request(uri, "GET")
        except FatalClientError as error:
            return self._answer(400, {}, str(error))
        except OAuth2Error as error:
            return self._answer(302, {"Location": error.in_uri(error.redirect_uri or "")})
        if not body:
            return self._answer(200, {"Content-Type": "text/html"}, PAGE.format(action=html.escape(self.path)))
        if parse_qs(body).get("allow", [""])[0] != "1":
            asked = {k: v[0] for k, v in parse_qs(urlsplit(uri).query).items()}
            said = {"error": "access_denied", "error_description": "The person said no.", "state": asked["state"]}
            return self._answer(302, {"Location": f"{asked['redirect_uri']}?{urlencode(said)}"})
        headers, text, status = self.server_of.create_authorization_response(uri, "GET", scopes=scopes)
        return self._answer(status, headers, text or "")

    def _token(self, body: str) -> None:
        provider = self.provider
        with self.lock:
            provider.asked.append({k: v[0] for k, v in parse_qs(body).items()})
            provider.headers.append(dict(self.headers))
            if provider.down:
                return self._answer(503, {}, "busy")
            headers, text, status = self.server_of.create_token_response(
                f"{provider.url}{self.path}", "POST", body, dict(self.headers)
            )
        return self._answer(status, headers, text)

    def _api(self, body: str = "") -> None:
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if token not in self.provider.access:
            return self._answer(401, {}, '{"message": "The access token is not valid."}')
        if body:
            self.provider.received.append(json.loads(body))
        return self._answer(200, {}, "{}")

    def _answer(self, status: int, headers: Mapping[str, str], text: str = "") -> None:
        self.send_response(status)
        data = text.encode()
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Tests need no access log."""


@contextmanager
def oauth_provider() -> Iterator[Provider]:
    """Run the provider; plain HTTP is allowed, as it is on loopback."""
    provider = Provider()
    server = Server(provider, token_expires_in=lambda request: provider.lifetime)
    members = {"provider": provider, "server_of": server, "lock": threading.Lock()}
    listening = ThreadingHTTPServer(("127.0.0.1", 0), type("BoundHandler", (Handler,), members))
    provider.port = listening.server_address[1]
    thread = threading.Thread(target=listening.serve_forever, args=(0.05,), daemon=True)
    with patch.dict("os.environ", {"OAUTHLIB_INSECURE_TRANSPORT": "1"}):
        thread.start()
        try:
            yield provider
        finally:
            listening.shutdown()
            listening.server_close()
            thread.join(10)
