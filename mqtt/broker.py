"""The embedded broker: amqtt in the process, on loopback only, with user names, passwords and the two-line access list.

It serves one machine: a demonstration, a laboratory, a small site. amqtt by itself takes packets of any size, waits
for a first packet for ever and never ends a silent session; the adapters here bound all three. It replaces the session
of a client id before it looks at the password, and leaves the old connection open without one; here the password comes
first and the old connection ends. It waits 5 s for a subscriber to acknowledge a message, then forgets and logs it: a
slow handler still gets the message and nothing else is lost. Retained messages live as long as the process: at every
greeting a gateway tells its state anew.
"""

import asyncio
import hmac
import ipaddress
import logging
from collections.abc import Mapping
from dataclasses import field
from typing import Annotated

from amqtt.adapters import StreamReaderAdapter, StreamWriterAdapter  # type: ignore[import-untyped]  # amqtt has none
from amqtt.broker import Broker  # type: ignore[import-untyped]  # as above
from amqtt.contexts import Action, BrokerConfig, ListenerConfig, ListenerType  # type: ignore[import-untyped]  # as above
from amqtt.errors import MQTTError  # type: ignore[import-untyped]  # as above
from amqtt.mqtt.connack import NOT_AUTHORIZED, ConnackPacket  # type: ignore[import-untyped]  # as above
from amqtt.mqtt.protocol.broker_handler import BrokerProtocolHandler  # type: ignore[import-untyped]  # as above
from amqtt.session import Session  # type: ignore[import-untyped]  # as above
from pydantic import Field

from gateway.config import Secret, settings
from gateway.errors import BadConfig, BadIdentifier
from gateway.identifiers import Duns, GatewayId
from mqtt.codec import MAX_BYTES
from mqtt.topics import may_read, may_tell, may_write

log = logging.getLogger(__name__)

for _name in ("amqtt", "transitions"):
    logging.getLogger(_name).setLevel(logging.WARNING)  # they tell every connection and every change of state at INFO

LISTENER = "default"
STOP_S = 5.0
TAKEOVER_S = 2.0


@settings
class BrokerSettings:
    """The embedded broker's address, users and limits."""

    host: Annotated[str, Field(description="Loopback address to listen on; others are refused.")] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535, description="TCP port to listen on; 0 takes a free one.")] = 1883
    users: Annotated[
        dict[str, Secret],
        Field(description="User names and their passwords: the portal's, each gateway's id, each TDSP's DUNS number."),
    ] = field(default_factory=dict)
    portal: Annotated[str, Field(description="The user name that portals share.")] = "portal"
    connections: Annotated[int, Field(ge=1, description="Most connections at once; more are closed at once.")] = 256
    max_packet_bytes: Annotated[
        int, Field(ge=1024, description="Largest part of an MQTT packet; a connection that sends more is closed.")
    ] = MAX_BYTES + 1024
    connect_timeout_s: Annotated[
        float, Field(gt=0, description="Seconds that a new connection has to name itself.")
    ] = 5.0
    silence_s: Annotated[
        float, Field(gt=0, description="Seconds without any packet after which a connection counts as lost.")
    ] = 45.0


class Gate:
    """Who may come in, and what each may write and read: a gateway by its own id, the portals by theirs.

    A user whose name is a DUNS number is that TDSP, which tells its notices and nothing else.
    """

    def __init__(self, passwords: Mapping[str, str], portal: str) -> None:
        self._passwords = dict(passwords)
        self._portal = portal

    def admits(self, username: str | None, password: str | None, client_id: str | None) -> bool:
        """Whether the password is right and the client id the user's own, so that nobody ends another's session.

        A user's client id is its name; portals share a name and may come as `portal-` and something of their own.
        """
        expected = self._passwords.get(username or "")
        known = hmac.compare_digest((password or "").encode(), (expected or "").encode()) and expected is not None
        several = username == self._portal and (client_id or "").startswith("portal-")
        return known and (several or client_id == username)

    def allows(self, username: str | None, topic: str, action: Action) -> bool:
        """Whether a user may publish to a topic, receive from it or subscribe to a filter of topics."""
        if username == self._portal:
            party = None
        else:
            try:
                if Duns.pattern.fullmatch(username or ""):
                    return action is Action.PUBLISH and may_tell(Duns(username or ""), topic)
                party = GatewayId(username or "")
            except BadIdentifier:
                return False
        return may_write(party, topic) if action is Action.PUBLISH else may_read(party, topic)


class _Broker(Broker):  # type: ignore[misc]  # as above
    """amqtt's broker with the gate asked directly (amqtt would make a task for each message and each plugin)."""

    def __init__(self, gate: Gate) -> None:
        super().__init__(BrokerConfig(listeners={LISTENER: ListenerConfig(type=ListenerType.EXTERNAL)}, plugins={}))
        self._gate = gate

    async def _authenticate(self, session: Session, _: ListenerConfig) -> bool:
        return self._gate.admits(session.username, session.password, session.client_id)

    async def _initialize_client_session(
        self, reader: "_Reader", writer: "_Writer", _address: str, _port: int
    ) -> tuple[BrokerProtocolHandler, Session]:
        """A new session for one who is admitted; who is not gets an answer and changes nothing.

        Every session is a clean one, whatever the client asks: amqtt would keep messages for the absent without limit.
        """
        handler, session = await BrokerProtocolHandler.init_from_connect(reader, writer, self.plugins_manager)
        if not self._gate.admits(session.username, session.password, session.client_id):
            await ConnackPacket.build(0, NOT_AUTHORIZED).to_stream(writer)
            await writer.close()
            raise MQTTError(f"{session.client_id!r} is not admitted as {session.username!r}")
        await self._end_earlier(session.client_id)
        session.clean_session = True
        return handler, session

    async def _end_earlier(self, client_id: str) -> None:
        """End the connection that has this client id, and its session once it has left its last will.

        Each turn ends one connection; there is another only if a further client came in under the id meanwhile.
        """
        while (earlier := self._sessions.get(client_id)) is not None:
            writer: _Writer = earlier[1].writer
            writer.end()
            await asyncio.wait({writer.ended}, timeout=TAKEOVER_S)
            if self._sessions.get(client_id) is earlier:
                await self._delete_session(client_id)

    async def _topic_filtering(self, session: Session, topic: str, action: Action) -> bool:
        return self._gate.allows(session.username, topic, action)

    async def _publish_retained_messages_for_subscription(
        self, subscription: tuple[str, int], session: Session
    ) -> None:
        """Retained messages for one who subscribed; amqtt would offer a newcomer all that anyone subscribed to."""
        if any(subscriber is session for subscriber, _ in self.subscriptions.get(subscription[0], ())):
            await super()._publish_retained_messages_for_subscription(subscription, session)


class _Reader(StreamReaderAdapter):  # type: ignore[misc]  # as above
    """A connection's bytes, with a limit to what is read at once."""

    def __init__(self, reader: asyncio.StreamReader, most: int) -> None:
        super().__init__(reader)
        self.heard = False
        self._most = most
        self._refused = False

    async def read(self, n: int = -1) -> bytes:
        """The next n bytes; to amqtt a ConnectionResetError is the end, if it meets it at every further read."""
        self._refused = self._refused or not 0 <= n <= self._most
        if self._refused:
            raise ConnectionResetError("the packet is too large")
        taken: bytes = await super().read(n)
        self.heard = True
        return taken


class _Writer(StreamWriterAdapter):  # type: ignore[misc]  # as above
    """A connection's other direction, which knows whether it was used and when the connection was served."""

    answered = False

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        super().__init__(writer)
        self.end = writer.transport.abort
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def write(self, data: bytes) -> None:
        """Take bytes to send."""
        self.answered = True
        super().write(data)


class _Connection:
    """One client's connection, ended when it does not name itself in time or falls silent."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limits: BrokerSettings) -> None:
        self.reader = _Reader(reader, limits.max_packet_bytes)
        self.writer = _Writer(writer)
        self.end = self.writer.end
        self._silence_s = limits.silence_s
        self._watch = asyncio.get_running_loop().call_later(limits.connect_timeout_s, self._check_named)

    async def serve(self, broker: Broker) -> None:
        """Let the broker serve it to its end."""
        try:
            await broker.external_connected(self.reader, self.writer, LISTENER)
        except ConnectionError as error:
            log.debug("a connection broke: %s", error)
        finally:
            self._watch.cancel()
            self.end()
            self.writer.ended.set_result(None)

    def _check_named(self) -> None:
        """The broker's first bytes answer a complete CONNECT: without them the client has not named itself."""
        if self.writer.answered:
            self._watch_silence()
        else:
            self.end()

    def _check_heard(self) -> None:
        if self.reader.heard:
            self._watch_silence()
        else:
            self.end()

    def _watch_silence(self) -> None:
        self.reader.heard = False
        self._watch = asyncio.get_running_loop().call_later(self._silence_s, self._check_heard)


class EmbeddedBroker:
    """A broker that other processes of this machine can use, from start to stop; it may be started again."""

    Settings = BrokerSettings

    def __init__(self, settings: BrokerSettings) -> None:
        """Raises BadConfig if the host is not loopback or a password is not where the configuration says."""
        _check_loopback(settings.host)
        self._settings = settings
        self._gate = Gate({name: secret.reveal() for name, secret in settings.users.items()}, settings.portal)
        self._broker: Broker | None = None
        self._server: asyncio.Server | None = None
        self._connections: dict[asyncio.Task[None], _Connection] = {}
        self.port = settings.port
        """Where it listens, known after start; the same one at every further start."""

    async def start(self) -> None:
        """Listen. Raises OSError if the port is taken."""
        self._broker = _Broker(self._gate)
        await self._broker.start()
        self._server = await asyncio.start_server(self._serve, self._settings.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """End every connection and forget everything, retained messages too."""
        broker, server = self._broker, self._server
        self._broker = self._server = None
        if server is not None:
            server.close()
        for connection in self._connections.values():
            connection.end()
        if self._connections:
            await asyncio.wait(self._connections, timeout=STOP_S)
        if broker is not None:
            await broker.shutdown()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, to its end."""
        task = asyncio.current_task()
        broker = self._broker
        if task is None or broker is None or len(self._connections) >= self._settings.connections:
            writer.transport.abort()
            return
        self._connections[task] = connection = _Connection(reader, writer, self._settings)
        try:
            await connection.serve(broker)
        finally:
            del self._connections[task]


def _check_loopback(host: str) -> None:
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise BadConfig(f"broker.host: {host} is not loopback; use Mosquitto with TLS beyond one machine")
