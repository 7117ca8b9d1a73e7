"""Stand-ins for what notifications are sent to: each checks requests as strictly as the vendor documents it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.support.http import serving

ROUTING_KEY = "0123456789abcdef0123456789abcdef"
DATADOG_KEY = "fedcba9876543210fedcba9876543210"
SLACK_TOKEN = "xoxb-000-test"
SIGNING_SECRET = "whsec_" + base64.b64encode(b"a key of thirty-two quiet bytes!").decode()
ACCOUNT, AUTH_TOKEN = "AC" + "0" * 32, "gateway-token-1"

Answer = tuple[int, Any]


@dataclass
class Received:
    """One request that the server took as sound."""

    path: str
    headers: Mapping[str, str]
    body: Any


@dataclass
class Vendors:
    """Every HTTP vendor behind one loopback address. ``next_answers`` are given before the usual ones."""

    port: int = 0
    received: list[Received] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    next_answers: list[tuple[int, Any, Mapping[str, str]]] = field(default_factory=list)
    incidents: dict[str, str] = field(default_factory=dict)
    paged: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def take(self, path: str, headers: Mapping[str, str], raw: bytes) -> Answer:
        """Judge a request by the vendor its path belongs to."""
        judges: Mapping[str, Callable[[str, Mapping[str, str], bytes], Answer]] = {
            r"/services/T0/B0/secret": self._slack_webhook,
            r"/api/chat\.postMessage": self._slack_api,
            r"/v2/enqueue": self._pagerduty,
            r"/api/v1/events": self._datadog,
            r"/hooks/.*": self._webhook,
            r"/2010-04-01/Accounts/[^/]+/Messages\.json": self._twilio,
        }
        judge = next((judge for pattern, judge in judges.items() if re.fullmatch(pattern, path)), None)
        if judge is None:
            return 404, "no_service" if path.startswith("/services") else {"message": "Not found"}
        return judge(path, headers, raw)

    def _keep(self, path: str, headers: Mapping[str, str], body: Any) -> None:
        self.received.append(Received(path, headers, body))

    def _slack_webhook(self, path: str, headers: Mapping[str, str], raw: bytes) -> Answer:
        body = json.loads(raw)
        if headers["content-type"] != "application/json" or not sound_slack(body):
            return 400, "invalid_payload"
        self._keep(path, headers, body)
        return 200, "ok"

    def _slack_api(self, path: str, headers: Mapping[str, str], raw: bytes) -> Answer:
        body = json.loads(raw)
        if headers.get("authorization") != f"Bearer {SLACK_TOKEN}":
            return 200, {"ok": False, "error": "invalid_auth"}
        if body.get("channel") != "C0123456789":
            return 200, {"ok": False, "error": "channel_not_found"}
        if not sound_slack(body):
            return 200, {"ok": False, "error": "invalid_blocks"}
        self._keep(path, headers, body)
        return 200, {"ok": True, "channel": body["channel"], "ts": f"1700000000.{len(self.received):06}"}

    def _pagerduty(self, path: str, headers: Mapping[str, str], raw: bytes) -> Answer:
        body = json.loads(raw)
        problems = pagerduty_problems(body)
        if problems:
            self.refused += problems
            return 400, {"status": "invalid event", "message": "Event object is invalid", "errors": problems}
        self._keep(path, headers, body)
        key = body["dedup_key"]
        if body["event_action"] == "resolve":
            self.incidents.pop(key, None)
        else:
            self.paged += key not in self.incidents
            self.incidents[key] = body["payload"]["severity"]
        return 202, {"status": "success", "message": "Event processed", "dedup_key": key}

    def _datadog(self, path: str, headers: Mapping[str, str], raw: bytes) -> Answer:
        body = json.loads(raw)
        if headers.get("dd-api-key") != DATADOG_KEY:
            return 403, {"status": "error", "code": 403, "errors": ["Forbidden"]}
        problems = datadog_problems(body)
        if problems:
            self.refused += problems
            return 400, {"errors": problems}
        self._keep(path, headers, body)
        number = 6_000_000_000_000_000_000 + len(self.received)
        return 202, {"status": "ok", "event": {"id": number, "id_str": str(number), "title": body["title"]}}

    def _webhook(self, path: str, headers: Mapping[str, str], raw: bytes) -> Answer:
        key = base64.b64decode(SIGNING_SECRET.removeprefix("whsec_"))
        signing = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + raw
        expected = "v1," + base64.b64encode(hmac.new(key, signing, hashlib.sha256).digest()).decode()
        if not hmac.compare_digest(expected, headers.get("webhook-signature", "")):
            return 401, {"message": "The signature does not fit."}
        self._keep(path, headers, json.loads(raw))
        return 200, {}

    def _twilio(self, path: str, headers: Mapping[str, str], raw: bytes) -> Answer:
        given = {name: values[0] for name, values in parse_qs(raw.decode()).items()}
        basic = base64.b64encode(f"{ACCOUNT}:{AUTH_TOKEN}".encode()).decode()
        if headers.get("authorization") != f"Basic {basic}" or ACCOUNT not in path:
            return 401, {"code": 20003, "message": "Authenticate", "status": 401}
        if not re.fullmatch(r"\+\d{7,15}", given.get("To", "")) or given["To"] == "+15005550001":
            return 400, {"code": 21211, "message": f"Invalid 'To' Phone Number: {given.get('To')}", "status": 400}
        if not {"From", "MessagingServiceSid"} & set(given) or not 0 < len(given.get("Body", "")) <= 1600:
            return 400, {"code": 21602, "message": "Message body is required.", "status": 400}
        self._keep(path, headers, given)
        return 201, {"sid": f"SM{len(self.received):032}", "status": "queued", "error_code": None}


def sound_slack(body: Mapping[str, Any]) -> bool:
    """Whether Slack takes the text and the blocks."""
    texts = [block["text"] for block in body.get("blocks", []) if block["type"] == "section"]
    return bool(body.get("text")) and all(t["type"] == "mrkdwn" and 0 < len(t["text"]) <= 3000 for t in texts)


def pagerduty_problems(body: Mapping[str, Any]) -> list[str]:
    """What the Events API would say of an event."""
    problems = []
    if body.get("routing_key") != ROUTING_KEY:
        problems.append("'routing_key' is invalid")
    if body.get("event_action") not in ("trigger", "acknowledge", "resolve"):
        problems.append("'event_action' is invalid")
    if not 0 < len(body.get("dedup_key") or "") <= 255:
        problems.append("'dedup_key' is missing or too long")
    if body.get("event_action") == "trigger":
        payload = body.get("payload") or {}
        problems += [
            f"'payload.{name}' is missing" for name in ("summary", "source", "severity") if not payload.get(name)
        ]
        if payload.get("severity") not in ("critical", "error", "warning", "info"):
            problems.append("'payload.severity' is invalid")
        if len(payload.get("summary") or "") > 1024:
            problems.append("'payload.summary' is too long")
        problems += ["'links' is invalid" for link in body.get("links", []) if not link.get("href")]
    return problems


def datadog_problems(body: Mapping[str, Any]) -> list[str]:
    """What the Events API would say of an event."""
    problems = [f"'{name}' is required" for name in ("title", "text") if not body.get(name)]
    if len(body.get("title", "")) > 100:
        problems.append("'title' is too long")
    if len(body.get("text", "")) > 4000:
        problems.append("'text' is too long")
    if len(body.get("aggregation_key", "")) > 100:
        problems.append("'aggregation_key' is too long")
    if body.get("alert_type") not in ("error", "warning", "info", "success"):
        problems.append("'alert_type' is invalid")
    if body.get("priority") not in ("normal", "low"):
        problems.append("'priority' is invalid")
    return problems


@contextmanager
def vendors() -> Iterator[Vendors]:
    """The vendors on a free port."""
    state = Vendors()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            if state.next_answers:
                status, answer, extra = state.next_answers.pop(0)
            else:
                (status, answer), extra = state.take(self.path, headers, raw), {}
            body = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
            self.send_response(status)
            for name, value in {**extra, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Tests say what they saw."""

    with serving(Handler) as state.port:
        yield state


@dataclass
class Mailbox:
    """What a real mail server took. ``answers`` are given, one a message, instead of taking it.

    ``recipients`` are those that the envelope of each mail named; those in ``refusals`` are answered so.
    """

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    refusals: Mapping[str, str] = field(default_factory=dict)
    answers: list[str] = field(default_factory=list)

    @property
    def subjects(self) -> list[str]:
        """What the mails are about; a folded header begins with the space of its fold."""
        return [str(mail["Subject"]).strip() for mail in self.mails]

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refusals:
            return self.refusals[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        if self.answers:
            return self.answers.pop(0)
        content = envelope.content
        assert isinstance(content, bytes)
        mail = BytesParser(policy=default).parsebytes(content)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        self.recipients.append(envelope.rcpt_tos)
        return "250 Message accepted for delivery"


@contextmanager
def mail_server(**options: Any) -> Iterator[Mailbox]:
    """An SMTP server on a free port; with options of aiosmtpd's controller."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    box = Mailbox(port)
    controller = Controller(box, hostname="127.0.0.1", port=port, **options)
    controller.start()
    try:
        yield box
    finally:
        controller.stop()
