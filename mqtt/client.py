"""The bus over a broker: MQTT 3.1.1 at QoS 1 with clean sessions, for the embedded broker and Mosquitto alike."""

import logging
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Annotated

import aiomqtt
from pydantic import Field

from gateway.clock import Clock
from gateway.config import Credentials, settings
from gateway.dice import Dice
from gateway.errors import BadConfig, LinkLost
from gateway.identifiers import GatewayId
from gateway.messages import Message
from gateway.ports import Handler, MarketHandler
from mqtt.codec import MAX_BYTES, stamped
from mqtt.reception import Reception, until_lost
from mqtt.refusals import Cause
from mqtt.topics import KINDS, MARKET_SUBSCRIPTION, format_topic, may_write, subscription
from mqtt.wire import Wire

# The library takes the name of our package for its own logger and silences it when it is imported.
logging.getLogger("mqtt").setLevel(logging.NOTSET)


@settings
class MqttSettings:
    """Where the broker is, and the limits of the connection to it."""

    host: Annotated[str, Field(description="Host name or address of the broker.")] = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65_535, description="TCP port of the broker.")] = 1883
    tls: Annotated[bool, Field(description="Whether to speak TLS; implied by ca_file or a client certificate.")] = False
    ca_file: Annotated[Path | None, Field(description="Certificate authority (PEM) that vouches for the broker.")] = (
        None
    )
    keep_alive_s: Annotated[
        int, Field(ge=5, le=3600, description="Longest silence on the connection in seconds before it is probed.")
    ] = 30
    connect_timeout_s: Annotated[
        float, Field(gt=0, description="Seconds for each step of connecting, subscribing and disconnecting.")
    ] = 5.0
    publish_timeout_s: Annotated[
        float, Field(gt=0, description="Seconds for the broker to acknowledge a message before it is taken for gone.")
    ] = 10.0
    in_flight: Annotated[
        int, Field(ge=1, le=65_535, description="Most messages sent and not yet acknowledged by the broker.")
    ] = 64
    queue: Annotated[
        int,
        Field(ge=1, le=65_535, description="Most messages that wait for the handler; a portal needs one per gateway."),
    ] = 10_000
    batch: Annotated[int, Field(ge=1, description="Most messages handed to the handler at once.")] = 64
    max_message_bytes: Annotated[
        int, Field(ge=1024, le=MAX_BYTES, description="Largest payload that is parsed; larger ones are dropped.")
    ] = MAX_BYTES


class MqttBus:
    """gateway.ports.Bus over an MQTT broker; party is the gateway that it serves, None for a portal."""

    Settings = MqttSettings

    def __init__(
        self, settings: MqttSettings, credentials: Credentials, party: GatewayId | None, clock: Clock, dice: Dice
    ) -> None:
        self._settings = settings
        self._credentials = credentials
        self._party = party
        self._clock = clock
        self._dice = dice
        self._wire: Wire | None = None
        self._up = False
        self._counters: Counter[Cause] = Counter()

    @property
    def up(self) -> bool:
        """Whether a connection is open and subscribed."""
        return self._up

    @property
    def counters(self) -> Mapping[Cause, int]:
        """How many messages were dropped since the start, by cause."""
        return self._counters

    async def run(
        self,
        handler: Handler,
        greet: Callable[[], Awaitable[None]],
        last_words: tuple[GatewayId, Message] | None = None,
        market: MarketHandler | None = None,
    ) -> None:
        """Live through one connection, as gateway.ports.Bus says. Raises LinkLost when it ends."""
        assert self._wire is None, "a bus lives through one connection at a time"
        limits = self._settings
        reception = Reception(
            lambda mark: wire.acknowledge(mark),
            self._counters,
            queue=limits.queue,
            batch=limits.batch,
            max_bytes=limits.max_message_bytes,
        )
        wire = self._make_wire(reception, last_words)
        await wire.open()
        try:
            await wire.listen(subscription(self._party))
            if market is not None:
                await wire.listen(MARKET_SUBSCRIPTION)
            self._wire, self._up = wire, True
            await until_lost(wire.lost, reception.serve(handler, greet, market))
        finally:
            self._wire, self._up = None, False
            await wire.close()

    async def publish(self, gateway: GatewayId, message: Message) -> None:
        """Send a message to or from that gateway and wait for the broker's acknowledgement.

        Raises LinkLost; BadMessage if the message takes more bytes than anyone would parse.
        """
        kind = KINDS[type(message)]
        topic = format_topic(gateway, kind)
        if not may_write(self._party, topic):
            raise ValueError(f"{self._party or 'a portal'} does not write {topic}")
        payload = stamped(message, self._clock, self._dice)
        if self._wire is None:
            raise LinkLost("there is no connection to the broker")
        await self._wire.send(topic, payload, retained=kind.retained, timeout_s=self._settings.publish_timeout_s)

    def _make_wire(self, reception: Reception, last_words: tuple[GatewayId, Message] | None) -> Wire:
        limits, credentials = self._settings, self._credentials
        password = credentials.password.reveal() if credentials.password else None
        return Wire(
            limits.host,
            limits.port,
            arrived=reception.put,
            identifier=self._party or f"portal-{self._dice.secret(6).hex()}",
            username=credentials.username,
            password=password,
            clean_session=True,
            keepalive=limits.keep_alive_s,
            timeout=limits.connect_timeout_s,
            max_inflight_messages=limits.in_flight,
            tls_context=self._tls_context(),
            will=self._make_will(*last_words) if last_words else None,
        )

    def _make_will(self, gateway: GatewayId, message: Message) -> aiomqtt.Will:
        kind = KINDS[type(message)]
        payload = stamped(message, self._clock, self._dice)
        return aiomqtt.Will(format_topic(gateway, kind), payload, qos=1, retain=kind.retained)

    def _tls_context(self) -> ssl.SSLContext | None:
        """TLS as the configuration asks for it, or None. Raises BadConfig if a certificate cannot be used."""
        limits, credentials = self._settings, self._credentials
        if not (limits.tls or limits.ca_file or credentials.certificate):
            return None
        try:
            context = ssl.create_default_context(cafile=limits.ca_file)
            if credentials.certificate:
                context.load_cert_chain(credentials.certificate, credentials.key)
        except OSError as error:
            raise BadConfig(f"the broker's TLS files cannot be used: {error}") from None
        return context
