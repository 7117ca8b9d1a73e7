"""E-mail through the operator's mail server."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Mapping, Sequence
from email.utils import parseaddr
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.validators import validate_email

from connectors.sdk.errors import AuthError, ConfigError, Unavailable
from connectors.sdk.fields import Text
from notifications.channels.base import ChannelType
from notifications.message import Message, shortened

_OPERATOR = "The operator of this installation sets the mail server with HEADRACE_EMAIL_URL."


def addresses_in(text: str) -> list[str]:
    """The addresses of a text with one a line or separated by commas; raises ``ConfigError`` for a wrong one."""
    found = [part.strip() for part in text.replace(",", "\n").splitlines() if part.strip()]
    for address in found:
        try:
            validate_email(address)
        except ValidationError:
            raise ConfigError(f"“{address}” is not an e-mail address.", field="addresses") from None
    if not found:
        raise ConfigError("Enter at least one address.", field="addresses")
    return found


def send_mail(to: Sequence[str], message: Message) -> str:
    """Mail a message to these addresses; its Message-ID, the same for every attempt."""
    host = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "headrace.invalid"
    message_id = f"<{message.id}@{host}>"
    mail = EmailMessage(
        subject=shortened(message.title, 200),
        body=message.text() + "\n",
        to=list(to),
        headers={
            "Message-ID": message_id,
            "References": f"<{message.thread}@{host}>",
            "Auto-Submitted": "auto-generated",
        },
    )
    try:
        mail.send()
    except smtplib.SMTPAuthenticationError as error:
        raise AuthError(f"The mail server refused the sign-in: {_words(error)}", hint=_OPERATOR) from error
    except smtplib.SMTPRecipientsRefused as error:
        code, words = next(iter(error.recipients.values()))
        _raise(code, f"The mail server refused the address: {code} {_text(words)}", error)
    except smtplib.SMTPResponseException as error:
        _raise(error.smtp_code, f"The mail server refused the message: {_words(error)}", error)
    except ssl.SSLError as error:
        raise ConfigError(f"The mail server's TLS connection failed: {error}", hint=_OPERATOR) from error
    except (smtplib.SMTPException, OSError) as error:
        raise Unavailable(f"The mail server could not be reached: {error}", hint=_OPERATOR) from error
    return message_id


def _send(values: Mapping[str, Any], message: Message) -> str:
    return send_mail(addresses_in(values["addresses"]), message)


def _raise(code: int, words: str, error: Exception) -> None:
    """Answers that begin with 4 are for now, with 5 for good."""
    if 400 <= code < 500:
        raise Unavailable(words) from error
    raise ConfigError(words, hint="Check the address, and the sender in HEADRACE_EMAIL_FROM.") from error


def _words(error: smtplib.SMTPResponseException) -> str:
    return f"{error.smtp_code} {_text(error.smtp_error)}"


def _text(words: bytes | str) -> str:
    return words.decode("utf-8", "replace") if isinstance(words, bytes) else words


EMAIL = ChannelType(
    key="email",
    name="E-mail",
    icon="mail",
    about="To a mailing list or shared mailbox. People of this workspace need no channel: choose them by name.",
    duplicates="A copy sent twice after a crash has the same Message-ID, which most mailboxes join.",
    fields=(
        Text(
            name="addresses",
            label="Addresses",
            help="One a line. All of them get the same message.",
            multiline=True,
            placeholder="data-oncall@example.com",
        ),
    ),
    deliver=_send,
    target=lambda config: ", ".join(addresses_in(config["addresses"])),
)
