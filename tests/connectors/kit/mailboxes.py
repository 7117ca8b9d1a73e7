"""A real mail server for cases: what a run sends there, as its recipients would read it."""

from __future__ import annotations

import io
import ssl
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import AuthResult

from connectors.sdk.context import Environment
from connectors.sdk.destination import Destination, Job
from tests.connectors.kit.cases import Case, batch_in, rows_in
from tests.connectors.kit.drivers import Ground, destination_of, expected, outcome_of, told_job
from tests.connectors.kit.jobs import Streams
from tests.notifications.servers import Mailbox, mail_server
from tests.support.certificates import localhost_pem

USER, PASSWORD = "mailer", "mail-secret-0815"


async def play_mail(case: Case, ground: Ground) -> None:
    """Deliver the batches of a case, or the whole run, to a mail server; compare results and mails."""
    told = case.told
    with _server(told, ground.folder) as (box, config):
        destination = destination_of(case.key, config | told.get("config", {}), Environment(outbound_allow=("*",)))
        job = told_job(destination, told)
        destination.validate(job)
        if told["type"] == "csv":
            await destination.write(job, Streams(piece=1, added=rows_in(told["batches"][0])))
            outcomes: list[Any] = [told["batches"][0].get("results")]
        else:
            outcomes = await _delivered(destination, job, told)
    assert outcomes == [expected(batch) for batch in told["batches"]]
    assert [seen(mail, to) for mail, to in zip(box.mails, box.recipients, strict=True)] == told["arrived"]


async def _delivered(destination: Destination, job: Job, told: Mapping[str, Any]) -> list[Any]:
    async with destination.session(job) as session:
        return [await outcome_of(session.deliver(batch_in(batch))) for batch in told["batches"]]


@contextmanager
def _server(told: Mapping[str, Any], folder: Path) -> Iterator[tuple[Mailbox, dict[str, Any]]]:
    """With ``encryption``, a server that insists on it; one that speaks STARTTLS wants a password, too."""
    encryption = told.get("encryption", "none")
    options: dict[str, Any] = {}
    config = {"host": "127.0.0.1", "encryption": encryption, "sender": "Acme <news@acme.test>"}
    if encryption != "none":
        certificate = localhost_pem(folder / "server.pem")
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(folder / "server.pem")
        config |= {"host": "localhost", "ca": certificate}
        options = {"ssl_context": context}
    if encryption == "starttls":
        options = {"tls_context": context, "require_starttls": True}
        options |= {"auth_required": True, "authenticator": _signed_in}
        config |= {"user": USER, "password": PASSWORD}
    with mail_server(**options) as box:
        box.refusals = told.get("refusals", {})
        box.answers = list(told.get("answers", ()))
        yield box, config | {"port": box.port}


def _signed_in(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    return AuthResult(success=(data.login, data.password) == (USER.encode(), PASSWORD.encode()), handled=False)


def seen(mail: EmailMessage, recipients: list[str]) -> dict[str, Any]:
    """A mail as its readers see it; ``for`` is its envelope."""
    assert mail["Date"]
    assert mail["Message-ID"].endswith("@acme.test>")
    shown = {name: str(mail[name]) for name in ("From", "To", "Cc", "Bcc", "Reply-To", "Subject") if name in mail}
    texts = {
        part.get_content_type(): part.get_content().rstrip()
        for part in mail.walk()
        if part.get_content_maintype() == "text" and not part.is_attachment()
    }
    files = {str(part.get_filename()): _content(part) for part in mail.iter_attachments()}
    return {**shown, "for": recipients, **texts, **({"files": files} if files else {})}


def _content(part: Any) -> Any:
    data = part.get_payload(decode=True)
    if part.get_content_type() != "application/zip":
        return data.decode()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}
