"""Handing mails to a mail server: lines that are kept, and what each answer means."""

from __future__ import annotations

import asyncio
import contextlib
import smtplib
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.policy import SMTPUTF8
from typing import Any

from connectors.destinations.email.mail import Mail, recipients
from connectors.sdk.context import Environment
from connectors.sdk.errors import AuthError, BatchRejected, ConfigError, Unavailable
from connectors.sdk.net.sockets import dial
from connectors.sdk.net.tls import Tls, ssl_context

Answer = tuple[int, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where the mail server is, and how to sign in. ``name`` is what we greet it with."""

    host: str
    port: int
    encryption: str
    authority: str
    user: str
    password: str = field(repr=False)
    name: str
    timeout_s: float

    @classmethod
    def of(cls, config: Mapping[str, Any], timeout_s: float) -> Server:
        """The server that a connection's settings name."""
        return cls(
            host=str(config.get("host") or "").strip(),
            port=int(config.get("port") or 587),
            encryption=str(config.get("encryption") or "starttls"),
            authority=str(config.get("ca") or ""),
            user=str(config.get("user") or ""),
            password=str(config.get("password") or ""),
            name=recipients(str(config.get("sender") or ""), field="sender")[0].domain,
            timeout_s=timeout_s,
        )

    @property
    def place(self) -> str:
        """Where it is, for messages."""
        return f"{self.host}:{self.port}"


class Postbox:
    """Lines to one server, each opened when it is needed and kept for the next mail."""

    def __init__(self, server: Server, environment: Environment) -> None:
        self._server = server
        self._environment = environment
        self._idle: list[smtplib.SMTP] = []

    async def greet(self) -> None:
        """Open a line and sign in."""
        self._idle.append(await asyncio.to_thread(self._ready))

    async def send(self, mail: Mail) -> str:
        """Hand a mail over, to all its recipients or to none; the server's words."""
        return await asyncio.to_thread(self._send, mail)

    async def close(self) -> None:
        """Say goodbye on every line."""
        while self._idle:
            await asyncio.to_thread(_leave, self._idle.pop())

    def _send(self, mail: Mail) -> str:
        line = self._ready()
        try:
            answer = _handed_over(line, mail)
        except BatchRejected:
            self._idle.append(line)
            raise
        except BaseException:
            line.close()
            raise
        self._idle.append(line)
        return answer

    def _ready(self) -> smtplib.SMTP:
        """A line that still stands: servers hang up on those that were silent, or after so many mails."""
        while line := self._kept():
            with contextlib.suppress(smtplib.SMTPException, OSError):
                if line.noop()[0] == 250:
                    return line
            line.close()
        return self._opened()

    def _kept(self) -> smtplib.SMTP | None:
        try:
            return self._idle.pop()
        except IndexError:  # threads share the lines: asking first would be too early
            return None

    def _opened(self) -> smtplib.SMTP:
        if not self._server.host:
            raise ConfigError("Give the mail server.", field="host")
        context = ssl_context(Tls(authority=self._server.authority))
        with _connecting(self._server):
            line = _Line(self._server, self._environment, context)
            try:
                if self._server.encryption == "starttls":
                    line.starttls(context=context)
                if self._server.user:
                    line.login(self._server.user, self._server.password)
            except BaseException:
                line.close()
                raise
        return line


class _Line(smtplib.SMTP):
    """Connects only to addresses that may be called, on the route there."""

    def __init__(self, server: Server, environment: Environment, context: ssl.SSLContext) -> None:
        self._server = server
        self._environment = environment
        self._context = context
        super().__init__(server.host, server.port, local_hostname=server.name, timeout=server.timeout_s)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        opened = dial(self._environment, host, port)
        opened.settimeout(timeout)
        if self._server.encryption == "tls":
            return self._context.wrap_socket(opened, server_hostname=host)
        return opened


def _leave(line: smtplib.SMTP) -> None:
    with contextlib.suppress(smtplib.SMTPException, OSError):
        line.quit()


def _handed_over(line: smtplib.SMTP, mail: Mail) -> str:
    """One mail by the protocol. Every recipient is asked for first: a mail that some get cannot be tried again."""
    sent = False
    try:
        line.ehlo_or_helo_if_needed()
        content, options = _written(line, mail)
        _agreed(line, line.mail(mail.sender, options), "sender", mail.sender)
        for address in mail.recipients:
            _agreed(line, line.rcpt(address), "recipient", address)
        sent = True
        return _agreed(line, line.data(content), "mail")
    except smtplib.SMTPDataError as error:  # not even the beginning of the mail was taken
        return _agreed(line, (error.smtp_code, _bytes(error.smtp_error)), "mail")
    except (smtplib.SMTPException, OSError) as error:
        raise Unavailable(f"The connection to the mail server broke off: {error}", in_doubt=sent) from error


def _written(line: smtplib.SMTP, mail: Mail) -> tuple[bytes, list[str]]:
    if all(address.isascii() for address in (mail.sender, *mail.recipients)):
        return mail.content.as_bytes(), []
    if not line.has_extn("smtputf8"):
        raise BatchRejected("The mail server takes no addresses with other than ASCII letters.")
    return mail.content.as_bytes(policy=SMTPUTF8), ["SMTPUTF8", "BODY=8BITMIME"]


def _agreed(line: smtplib.SMTP, answer: Answer, what: str, address: str = "") -> str:
    """The server's words, where it agreed: what begins with 4 is for now, with 5 for good."""
    code, words = answer[0], f"{answer[0]} {answer[1].decode('utf-8', 'replace')}"
    if 200 <= code < 300:
        return words
    told = f"The mail server refused the {what}{f' {address}' if address else ''}: {words}"
    if not 500 <= code < 600:
        raise Unavailable(told)
    line.rset()
    if code == 530:
        raise AuthError(told, hint="Give the user and the password of the mail server.")
    if what == "sender":
        raise ConfigError(told, field="sender", hint="Send from an address that the server allows this user.")
    raise BatchRejected(told)


@contextmanager
def _connecting(server: Server) -> Iterator[None]:
    """What failures to connect and to sign in mean."""
    try:
        yield
    except smtplib.SMTPAuthenticationError as error:
        words = f"The mail server refused the sign-in: {_words(error)}"
        if 400 <= error.smtp_code < 500:
            raise Unavailable(words) from error
        raise AuthError(words, hint="Check user and password; some services want a password made for apps.") from error
    except smtplib.SMTPNotSupportedError as error:
        where = "encryption" if "STARTTLS" in str(error) else "user"
        raise ConfigError(f"The mail server cannot do that: {error}", field=where) from error
    except smtplib.SMTPResponseException as error:
        raise Unavailable(f"{server.place}: {_words(error)}") from error
    except ssl.SSLError as error:
        hint = "Choose the encryption that this port has, or upload the authority that certifies the server."
        raise ConfigError(f"{server.place}: {error}", field="encryption", hint=hint) from error
    except (smtplib.SMTPException, OSError) as error:
        hint = "Check server, port and encryption, and that a firewall lets this machine through."
        raise Unavailable(f"{server.place}: {error}", hint=hint) from error


def _words(error: smtplib.SMTPResponseException) -> str:
    return f"{error.smtp_code} {_bytes(error.smtp_error).decode('utf-8', 'replace')}"


def _bytes(words: bytes | str) -> bytes:
    return words if isinstance(words, bytes) else words.encode()
