"""Kafka: a producer whose every connection, to whichever broker a cluster names, leaves by the environment's route."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from connectors.sdk.context import Environment
from connectors.sdk.destination import ACCEPTED, RowResult, rejected
from connectors.sdk.drivers import driver
from connectors.sdk.errors import AuthError, ConfigError, ConnectorError, Gone, Unavailable
from connectors.sdk.kafka_iam import token_provider
from connectors.sdk.messages import Message
from connectors.sdk.net.sockets import dial
from connectors.sdk.net.tls import Tls, ssl_context
from connectors.sdk.tunnels import route_async

_ENVIRONMENT: ContextVar[Environment] = ContextVar("environment of Kafka's connections")
# The last few: a producer may try for days.
_REFUSED: ContextVar[deque[ConnectorError]] = ContextVar("why brokers that were reached let nobody in")
_KEPT = 4
_SERVER = (
    "Check the brokers, user, password and encryption, and that this machine reaches every broker of the cluster, not "
    "the first alone."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Brokers to begin with (host:port), and how to sign in there. ``mechanism`` is empty where nobody signs in.

    ``keys`` are AWS's for ``region``, where brokers of Amazon MSK take those (mechanism ``OAUTHBEARER``).
    """

    environment: Environment
    brokers: tuple[str, ...]
    client_id: str
    mechanism: str = ""
    user: str = ""
    password: str = field(default="", repr=False)
    encrypted: bool = True
    authority: str = ""
    region: str = ""
    keys: Callable[[], Awaitable[Any]] | None = None

    def login(self) -> dict[str, Any]:
        """What the driver wants to know of it."""
        if not self.mechanism:
            return {}
        if self.keys is not None:
            base = driver("aiokafka.abc", "aiokafka").AbstractTokenProvider
            tokens = token_provider(base, self.keys, self.region)
            return {"sasl_mechanism": self.mechanism, "sasl_oauth_token_provider": tokens}
        return {
            "sasl_mechanism": self.mechanism,
            "sasl_plain_username": self.user,
            "sasl_plain_password": self.password,
        }


@asynccontextmanager
async def producing(cluster: Cluster, timeout_s: float) -> AsyncIterator[Any]:
    """A producer that waits for all replicas; raises typed errors where none can be had."""
    library = _library()
    for broker in cluster.brokers:
        host, _, port = broker.rpartition(":")
        await route_async(cluster.environment, host, int(port))
    token, refused = _ENVIRONMENT.set(cluster.environment), _REFUSED.set(deque(maxlen=_KEPT))
    try:
        protocol = f"{'SASL_' if cluster.mechanism else ''}{'SSL' if cluster.encrypted else 'PLAINTEXT'}"
        producer = library.AIOKafkaProducer(
            bootstrap_servers=list(cluster.brokers),
            client_id=cluster.client_id,
            acks="all",
            linger_ms=5,
            request_timeout_ms=int(timeout_s * 1000),
            security_protocol=protocol,
            ssl_context=ssl_context(Tls(authority=cluster.authority)) if cluster.encrypted else None,
            **cluster.login(),
        )
        try:
            await _begin(producer, cluster)
            yield producer
        finally:
            await producer.stop()
    finally:
        _ENVIRONMENT.reset(token)
        _REFUSED.reset(refused)


async def _begin(producer: Any, cluster: Cluster) -> None:
    errors = _library().errors
    try:
        await producer.start()
    except errors.KafkaConnectionError as error:
        # The driver goes on to the next broker, and keeps to itself that a password is wrong.
        unreached = Unavailable(f"None of these brokers let us in: {', '.join(cluster.brokers)}.", hint=_SERVER)
        raise next(iter(_REFUSED.get()), unreached) from error
    except (errors.KafkaError, OSError) as error:
        raise _told(error) from error


async def topics(producer: Any) -> frozenset[str]:
    """The topics of the cluster. None is made by asking: all are asked for."""
    try:
        told = await producer.client.fetch_all_metadata()
    except (_library().errors.KafkaError, OSError) as error:
        raise _told(error) from error
    return frozenset(told.topics())


async def published(producer: Any, topic: str, messages: Sequence[Message], timeout_s: float) -> list[RowResult]:
    """Send messages to a topic; an answer for each."""
    partitions = await producer.partitions_for(topic)
    sent = [_sent(producer, topic, message, partitions) for message in messages]
    try:
        async with asyncio.timeout(timeout_s):
            return list(await asyncio.gather(*sent))
    except TimeoutError as error:
        raise Unavailable("The brokers did not confirm the messages in time.", in_doubt=True) from error


async def _sent(producer: Any, topic: str, message: Message, partitions: set[int]) -> RowResult:
    library = _library()
    number = _number(message.values.get("partition"))
    if number is not None and number not in partitions:
        return rejected(f"The topic has no partition {number}.", field="partition")
    key = message.values.get("key")
    headers = [(name, value.encode()) for name, value in message.attributes.items()]
    try:
        waiting = await producer.send(
            topic, message.body, key=key.encode() if key else None, partition=number, headers=headers
        )
        await waiting
    except (library.errors.MessageSizeTooLargeError, library.errors.RecordListTooLargeError) as error:
        return rejected(str(error) or "The message is larger than the topic takes.")
    except (library.errors.KafkaError, OSError) as error:
        raise _told(error, in_doubt=True) from error
    return ACCEPTED


def _number(text: str | None) -> int | None:
    """A partition; what is no number counts as none."""
    try:
        return int(float(text)) if text else None
    except (ValueError, OverflowError):
        return None


@cache
def _library() -> Any:
    """The driver, whose connections are made here from now on."""
    library: Any = driver("aiokafka", "aiokafka")
    connections: Any = driver("aiokafka.conn", "aiokafka")

    class Routed(connections.AIOKafkaConnection):  # type: ignore[misc]  # the driver may not be installed
        """A connection of the driver's own, dialled to judged addresses."""

        _loop: Any

        async def connect(self) -> Any:
            self._loop = _Dialling(self._loop, _ENVIRONMENT.get())
            try:
                return await super().connect()
            except Exception as error:
                if not isinstance(told := _told(error), Unavailable):
                    _REFUSED.get().append(told)
                raise

    connections.AIOKafkaConnection = Routed
    return library


class _Dialling:
    """The event loop, with connections by the environment's route."""

    def __init__(self, loop: asyncio.AbstractEventLoop, environment: Environment) -> None:
        self._loop = loop
        self._environment = environment

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)

    async def create_connection(self, protocol: Callable[[], Any], host: str, port: int, *, ssl: Any = None) -> Any:
        """As the loop's own, for the one way in which the driver calls it."""
        try:
            line = await asyncio.to_thread(dial, self._environment, host, port)
        except ConnectorError as error:  # the driver goes on to the next broker for these alone
            raise OSError(error.message) from error
        line.setblocking(False)
        try:
            name = host if ssl is not None else None
            return await self._loop.create_connection(protocol, sock=line, ssl=ssl, server_hostname=name)
        except BaseException:
            line.close()
            raise


def _told(error: BaseException, *, in_doubt: bool = False) -> ConnectorError:
    """The driver's error as one of ours."""
    errors = _library().errors
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ConnectorError):
            return cause
        cause = cause.__cause__ or cause.__context__
    words = str(error) or type(error).__name__
    if isinstance(error, errors.AuthenticationFailedError | errors.SaslAuthenticationFailed):
        return AuthError(words, hint="Check user and password, and the mechanism.")
    if isinstance(error, errors.TopicAuthorizationFailedError | errors.ClusterAuthorizationFailedError):
        return AuthError(words, hint="Let this user describe and write the topic (ACL).")
    if isinstance(error, errors.UnsupportedSaslMechanismError | errors.IllegalSaslStateError):
        return ConfigError(words, field="mechanism", hint="Choose the mechanism that the brokers have.")
    if isinstance(error, errors.UnknownTopicOrPartitionError):
        return Gone(words, hint="Create the topic, or choose another one.")
    return Unavailable(words, in_doubt=in_doubt, hint=_SERVER)
