"""A mail made from a message: whom it goes to, its headers, and its parts."""

from __future__ import annotations

import html
import io
import zipfile
from dataclasses import dataclass
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, getaddresses, make_msgid

from connectors.sdk.errors import BatchRejected, ConfigError
from connectors.sdk.notifier import Outgoing


@dataclass(frozen=True, slots=True)
class Mail:
    """What goes to the server. ``recipients`` are all who get it; headers do not name blind copies."""

    sender: str
    recipients: tuple[str, ...]
    content: EmailMessage


def recipients(text: str, *, field: str) -> tuple[Address, ...]:
    """The addresses of a text, separated by commas; raises ``ConfigError`` where one is none."""
    if any(ord(character) < 32 for character in text):
        raise ConfigError("Addresses stand in one line, separated by commas.", field=field)
    found = [_address(name, spec, text, field) for name, spec in getaddresses([text]) if name or spec]
    if not found:
        raise ConfigError("An address is missing.", field=field)
    return tuple(found)


def _address(name: str, spec: str, text: str, field: str) -> Address:
    try:
        address = Address(name, addr_spec=spec)
    except (MessageError, ValueError, IndexError) as error:
        raise ConfigError(f"“{spec or text}” is not an e-mail address.", field=field) from error
    if not address.username or not address.domain or " " in spec:
        raise ConfigError(f"“{spec or text}” is not an e-mail address.", field=field)
    return address


def composed(message: Outgoing, sender: str) -> Mail:
    """The mail of a message; raises ``BatchRejected`` where an address is none."""
    author = recipients(sender, field="sender")[0]
    mail = EmailMessage(policy=SMTP)
    mail["From"] = author
    everyone: dict[str, None] = {}
    for name, text in {"To": message.to, "Cc": message.cc, "Bcc": message.bcc}.items():
        if not text:
            continue
        people = _people(text, name)
        everyone |= dict.fromkeys(each.addr_spec for each in people)
        if name != "Bcc":
            mail[name] = people
    if reply_to := message.settings.get("reply_to"):
        mail["Reply-To"] = _people(str(reply_to), "Reply-To")
    # A value with a line break stays in the subject, and begins no header of its own.
    mail["Subject"] = " ".join("".join(c if c.isprintable() else " " for c in message.subject).split())
    mail["Date"] = formatdate()
    mail["Message-ID"] = make_msgid(domain=author.domain)
    mail["Auto-Submitted"] = "auto-generated"
    _fill(mail, message)
    return Mail(author.addr_spec, tuple(everyone), mail)


def _people(text: str, name: str) -> tuple[Address, ...]:
    try:
        return recipients(text, field=name.lower())
    except ConfigError as error:
        raise BatchRejected(f"{name}: {error.message}") from error


def _fill(mail: EmailMessage, message: Outgoing) -> None:
    is_html = message.settings.get("content") == "html"
    if is_html:
        mail.set_content(message.text, subtype="html")
    else:
        mail.set_content(message.text)
    if message.kind == "table" and not is_html:
        # Columns stand below each other only in a font of one width.
        mail.add_alternative(f"<pre>{html.escape(message.text)}</pre>", subtype="html")
    if message.file:
        _attach(mail, message)


def _attach(mail: EmailMessage, message: Outgoing) -> None:
    name = "".join(c if c.isprintable() and c not in '/\\"' else "_" for c in message.file_name)
    if not message.settings.get("zip"):
        mail.add_attachment(message.file, maintype="text", subtype="csv", filename=name, params={"charset": "utf-8"})
        return
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), message.file, zipfile.ZIP_DEFLATED)
    mail.add_attachment(packed.getvalue(), maintype="application", subtype="zip", filename=f"{name}.zip")
