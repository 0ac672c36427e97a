"""One aiomqtt connection, made fit for a durable pipe: acknowledged after the work, and cheap for each message.

As it comes, aiomqtt acknowledges a message before the application has seen it, and makes a task for every arrival and
another one for every publication. Here the connection keeps aiomqtt's life cycle (connect, subscribe, keep alive,
disconnect) and takes arrivals and confirmations from paho's callbacks directly; tests/bench/echo.py measures both.
"""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import aiomqtt
from paho.mqtt.client import MQTT_ERR_SUCCESS, MQTTMessage

from gateway.errors import LinkLost
from mqtt.reception import Arrival

NODELAY = (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
"""Without it every exchange waits for a delayed TCP acknowledgement, some 40 ms each way."""


class Wire(aiomqtt.Client):
    """A connection that lives once: open, subscribe, send and acknowledge, close."""

    def __init__(self, host: str, port: int, *, arrived: Callable[[Arrival], None], **options: Any) -> None:
        """Options are aiomqtt.Client's; timeout bounds each step of connecting and disconnecting in seconds."""
        super().__init__(host, port, socket_options=[NODELAY], **options)
        self.lost: asyncio.Future[str] = self._loop.create_future()
        """Done when the connection has ended, with the reason in words."""
        self._arrived = arrived
        self._unconfirmed: dict[int, asyncio.Future[None]] = {}
        self._client.connect_timeout = self.timeout
        self._client.manual_ack_set(True)

    async def open(self) -> None:
        """Connect and wait for the broker's consent. Raises LinkLost."""
        entering = asyncio.ensure_future(self.__aenter__())
        try:
            await asyncio.shield(entering)
        except asyncio.CancelledError:
            # The attempt runs in a thread that cannot be stopped; what it opens must be closed all the same.
            with suppress(TimeoutError):
                async with asyncio.timeout(2 * self.timeout):
                    await asyncio.gather(entering, return_exceptions=True)
            await self.close()
            raise
        except (aiomqtt.MqttError, OSError) as error:
            self._hang_up()
            raise LinkLost(f"{self._hostname}:{self._port}: {error}") from None
        self._disconnected.add_done_callback(self._end)

    async def listen(self, topics: str) -> None:
        """Subscribe at QoS 1. Raises LinkLost if the broker refuses or does not answer."""
        try:
            answer = await self.subscribe(topics, qos=1)
        except aiomqtt.MqttError as error:
            raise LinkLost(f"cannot subscribe to {topics}: {error}") from None
        if any(getattr(code, "is_failure", False) for code in answer):
            raise LinkLost(f"the broker refuses the subscription to {topics}")

    async def send(self, topic: str, payload: bytes, *, retained: bool, timeout_s: float) -> None:
        """Publish at QoS 1 and wait for the broker's acknowledgement. Raises LinkLost.

        A broker that does not acknowledge in time is taken for gone: the connection ends, so that a new one is tried.
        """
        info = self._client.publish(topic, payload, 1, retained)
        if info.rc != MQTT_ERR_SUCCESS:
            raise LinkLost(f"cannot publish: {aiomqtt.MqttCodeError(info.rc)}")
        confirmed = self._unconfirmed[info.mid] = self._loop.create_future()
        try:
            async with asyncio.timeout(timeout_s):
                await confirmed
        except TimeoutError:
            self._hang_up()
            raise LinkLost(f"the broker did not acknowledge within {timeout_s} s") from None
        finally:
            self._unconfirmed.pop(info.mid, None)

    def acknowledge(self, mark: int) -> None:
        """Tell the broker that a message is done with; without a connection nothing is left to tell."""
        self._client.ack(mark, 1)

    async def close(self) -> None:
        """Disconnect in order, so that no last will is published; a peer that does not play along is hung up on."""
        try:
            if self._client.is_connected():
                await self.__aexit__(None, None, None)
        except aiomqtt.MqttError as error:
            self._end_all(str(error))
        finally:
            self._hang_up()

    def _hang_up(self) -> None:
        """End the TCP connection; paho notices at its next read, which is made at once."""
        peer: Any = self._client.socket()
        if peer is not None:
            with suppress(OSError):  # it may be gone already
                peer.shutdown(socket.SHUT_RDWR)
            self._client.loop_read()

    def _end(self, disconnected: asyncio.Future[None]) -> None:
        trouble = None if disconnected.cancelled() else disconnected.exception()
        self._end_all(f"the connection to {self._hostname}:{self._port} ended ({trouble or 'in order'})")

    def _end_all(self, reason: str) -> None:
        if not self.lost.done():
            self.lost.set_result(reason)
        for confirmed in self._unconfirmed.values():
            if not confirmed.done():
                confirmed.set_exception(LinkLost(reason))

    # What follows replaces aiomqtt's own callbacks, which paho calls.

    def _on_disconnect(self, client: Any, userdata: Any, flags: Any, reason_code: Any, properties: Any = None) -> None:
        if self._connected.done():
            super()._on_disconnect(client, userdata, flags, reason_code, properties)
        else:  # aiomqtt would wait for consent until its time is up
            self._connected.set_exception(aiomqtt.MqttError(f"the broker hung up ({reason_code})"))

    def _on_message(self, client: Any, userdata: Any, message: MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = "(not UTF-8)"
        mark = message.mid if message.qos else None
        self._arrived(Arrival(topic, bytes(message.payload), message.retain, mark))

    def _on_publish(self, client: Any, userdata: Any, mid: int, reason_code: Any, properties: Any) -> None:
        confirmed = self._unconfirmed.get(mid)
        if confirmed is not None and not confirmed.done():
            confirmed.set_result(None)
