"""AMQP 0-9-1: a channel to a broker over the environment's route, and messages that it confirms one by one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from yarl import URL

from connectors.sdk.context import Environment
from connectors.sdk.destination import ACCEPTED, RowResult, rejected
from connectors.sdk.drivers import driver
from connectors.sdk.errors import AuthError, ConfigError, ConnectorError, Gone, Unavailable
from connectors.sdk.messages import Message
from connectors.sdk.net.sockets import CONNECT_S, dial
from connectors.sdk.net.tls import Tls, ssl_context

_LASTING = 2  # the delivery mode that survives a restart of the server
_LONGEST_NAME = 255
_REFUSED, _NO_VHOST = 403, 530


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """A virtual host of a server, and how to sign in there. ``authority`` is trusted beside the system's."""

    environment: Environment
    host: str
    port: int
    vhost: str
    user: str
    password: str = field(repr=False)
    encrypted: bool = True
    authority: str = ""


@asynccontextmanager
async def opened(broker: Broker, timeout_s: float) -> AsyncIterator[Any]:
    """A channel whose server confirms each message."""
    library = _library()
    connection = library.Connection(_address(broker), transport_factory=_Transport(broker))
    try:
        async with asyncio.timeout(timeout_s):
            await connection.connect({"product": "Headrace"})
            channel = await connection.channel(publisher_confirms=True)
    except (library.AMQPError, _frames().PAMQPException, OSError, EOFError) as error:
        await connection.close()
        raise _told(error) from error
    try:
        yield channel
    finally:
        await connection.close()


async def published(channel: Any, queue: str, messages: Sequence[Message], timeout_s: float) -> list[RowResult]:
    """Send messages to a queue; an answer for each. Raises ``Gone`` where there is no such queue."""
    if len(queue.encode()) > _LONGEST_NAME:
        raise ConfigError(f"The name of a queue has at most {_LONGEST_NAME} bytes.", field="queue")
    sent = (_confirmed(channel, queue, message) for message in messages)
    try:
        async with asyncio.timeout(timeout_s):  # the library itself waits for ever where the line is cut
            answers = await asyncio.gather(*sent, return_exceptions=True)
    except TimeoutError as error:
        raise Unavailable("The server did not confirm the messages in time.", in_doubt=True) from error
    failed = next((a for a in answers if isinstance(a, BaseException)), None)
    if failed is not None:
        raise failed
    return [a for a in answers if isinstance(a, RowResult)]


async def _confirmed(channel: Any, queue: str, message: Message) -> RowResult:
    library = _library()
    properties = library.spec.Basic.Properties(content_type="application/json", delivery_mode=_LASTING)
    try:
        await channel.basic_publish(message.body, routing_key=queue, properties=properties, mandatory=True)
    except library.PublishError as error:
        words = error.message.delivery.reply_text
        raise Gone(f"{words}: there is no queue “{queue}”.", hint="Create the queue, or choose another one.") from error
    except library.DeliveryError:
        return rejected("The server did not take the message for the queue (basic.nack): it may be full.")
    except (library.AMQPError, library.ChannelInvalidStateError, OSError, asyncio.CancelledError) as error:
        if (task := asyncio.current_task()) and task.cancelling():
            raise
        raise _told(error, in_doubt=True) from error
    return ACCEPTED


class _Transport:
    """Opens the connection to judged addresses; the certificate is checked for the name that was judged."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    async def create(self, url: URL, **_: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """The library's door for transports; ``url`` says nothing that the broker does not."""
        broker = self._broker
        line = await asyncio.to_thread(dial, broker.environment, broker.host, broker.port)
        line.setblocking(False)
        options: dict[str, Any] = {}
        if broker.encrypted:
            options = {"ssl": ssl_context(Tls(authority=broker.authority)), "server_hostname": broker.host}
            options |= {"ssl_handshake_timeout": CONNECT_S}
        try:
            return await asyncio.open_connection(sock=line, **options)
        except BaseException:
            line.close()
            raise


def _library() -> Any:
    return driver("aiormq", "aiormq")


def _frames() -> Any:
    """The exceptions of the package under the library, which it lets through while signing in."""
    return driver("pamqp.exceptions", "aiormq")


def _address(broker: Broker) -> URL:
    """What the library signs in with; where it connects to is the transport's business."""
    path = "/" + broker.vhost.replace("%", "%25").replace("/", "%2F")
    return URL.build(
        scheme="amqp",
        host="broker",
        user=broker.user,
        password=broker.password,
        path=path,
        query={"name": "headrace", "heartbeat": "60"},
    )


def _told(error: BaseException, *, in_doubt: bool = False) -> ConnectorError:
    """The error in the server's words."""
    library = _library()
    frame = next((a for a in error.args if hasattr(a, "reply_text")), None)
    words = frame.reply_text if frame is not None else " ".join(str(a) for a in error.args) or type(error).__name__
    code = frame.reply_code if frame is not None else next((a for a in error.args if isinstance(a, int)), 0)
    refusals = library.AuthenticationError, library.ProbableAuthenticationError, library.ChannelAccessRefused
    if isinstance(error, refusals) or code == _REFUSED:
        return AuthError(words, hint="Check user, password, and the user's permissions on the virtual host.")
    if code == _NO_VHOST:
        return ConfigError(words, field="vhost")
    return Unavailable(words, in_doubt=in_doubt, hint="Check host, port and protocol, and that the server is up.")
