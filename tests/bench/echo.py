"""Bare request and response over brokers of its own: plain paho, bare aiomqtt and MqttBus, in one run.

    python tests/bench/echo.py [in flight ...]

Each client asks for a moment with so many requests in flight; a second process answers with the same client. All run
at QoS 1 with TCP_NODELAY and the same window; MqttBus alone encodes and decodes whole messages. The broker is a
private Mosquitto, then for MqttBus the embedded one in a process of its own. Takes some 15 seconds.
"""

import asyncio
import os
import socket
import sys
import tempfile
import threading
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiomqtt
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from gateway.clock import SystemClock
from gateway.config import Credentials, Secret
from gateway.dice import SystemDice
from gateway.identifiers import EsiId, GatewayId, MeterNumber, RequestId
from gateway.messages import ReadProgressed, ReadStage, RequestRead
from gateway.ports import Delivery
from mqtt.broker import EmbeddedBroker
from mqtt.client import MqttBus
from mqtt.wire import NODELAY
from tests.servers import private_mosquitto

RUN_S = 1.5
LIMIT_S = 60.0
WINDOW = 1024
GATEWAY = GatewayId("gw-1")
USERS = {"portal": "bench", GATEWAY: "bench"}
DOWN, UP = f"metergate/1/down/{GATEWAY}/reads", f"metergate/1/up/{GATEWAY}/reads"
PADDING = b"x" * 250
CLOCK, DICE = SystemClock(), SystemDice()


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


@dataclass
class Tally:
    """How long each request took, in seconds, and what the asking process spent of its processor."""

    taken: list[float] = field(default_factory=list)
    began: float = field(default_factory=time.perf_counter)
    spent: float = field(default_factory=time.process_time)
    seconds: float = 0.0

    @property
    def over(self) -> bool:
        """Whether no further request should be made."""
        return time.perf_counter() - self.began > RUN_S

    def stop(self) -> "Tally":
        """Note the end, so that what follows is not counted."""
        self.seconds, self.spent = time.perf_counter() - self.began, time.process_time() - self.spent
        return self

    @property
    def rate(self) -> float:
        """Requests a second."""
        return len(self.taken) / self.seconds

    def line(self, name: str, in_flight: int) -> str:
        """The result in words."""
        count, seconds = len(self.taken), self.seconds
        p50, p99 = (1e3 * sorted(self.taken)[count * share // 100] for share in (50, 99))
        cpu_us = 1e6 * self.spent / count
        return (
            f"{name:10} {in_flight:5} in flight {count / seconds:8.0f}/s  "
            f"p50 {p50:6.2f} ms  p99 {p99:6.2f} ms  {cpu_us:5.0f} us of the asker's CPU each"
        )


def plain(port: int, name: str) -> paho.Client:
    """A paho client with its own thread, connected."""
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id=name)
    client.username_pw_set(name, USERS[name])
    client.max_inflight_messages_set(WINDOW)
    client.connect("127.0.0.1", port)
    connection = client.socket()
    assert isinstance(connection, socket.socket)
    connection.setsockopt(*NODELAY)
    return client


def answer_with_paho(port: int) -> None:
    """Answer every request until killed."""
    client = plain(port, GATEWAY)

    def answered(_: object, __: object, message: paho.MQTTMessage) -> None:
        client.publish(UP, message.payload, 1)

    client.on_message = answered
    client.on_subscribe = lambda *_: say("ready")
    client.subscribe(DOWN, 1)
    client.loop_forever()


async def ask_with_paho(port: int, in_flight: int) -> Tally:
    """Ask from paho's thread: each answer makes the next request."""
    client, ready, done = plain(port, "portal"), threading.Event(), threading.Event()
    asked: dict[int, float] = {}
    tally = Tally()

    def ask() -> None:
        number = len(asked)
        asked[number] = time.perf_counter()
        client.publish(DOWN, b"%08d" % number + PADDING, 1)

    def answered(_: object, __: object, message: paho.MQTTMessage) -> None:
        tally.taken.append(time.perf_counter() - asked[int(message.payload[:8])])
        if not tally.over:
            ask()
        elif len(tally.taken) == len(asked):
            done.set()

    client.on_message = answered
    client.on_subscribe = lambda *_: ready.set()
    client.loop_start()
    client.subscribe(UP, 1)
    await asyncio.to_thread(ready.wait, LIMIT_S)
    tally.began, tally.spent = time.perf_counter(), time.process_time()
    for _ in range(in_flight):
        ask()
    await asyncio.to_thread(done.wait, LIMIT_S)
    tally.stop()
    client.disconnect()
    client.loop_stop()
    return tally


def bare(port: int, name: str) -> aiomqtt.Client:
    """An aiomqtt client as it comes, but for TCP_NODELAY and the window."""
    client = aiomqtt.Client(
        "127.0.0.1",
        port,
        username=name,
        password=USERS[name],
        identifier=name,
        max_inflight_messages=WINDOW,
        socket_options=[NODELAY],
    )
    client.pending_calls_threshold = WINDOW
    return client


async def answer_with_aiomqtt(port: int) -> None:
    """Answer every request until killed."""
    async with bare(port, GATEWAY) as client, asyncio.TaskGroup() as tasks:
        await client.subscribe(DOWN, 1)
        say("ready")
        async for message in client.messages:
            tasks.create_task(client.publish(UP, message.payload, 1))


async def ask_until_over(in_flight: int, exchange: Callable[[], Awaitable[None]]) -> Tally:
    """Exchange from so many tasks at once."""
    tally = Tally()

    async def work() -> None:
        while not tally.over:
            began = time.perf_counter()
            await exchange()
            tally.taken.append(time.perf_counter() - began)

    await asyncio.gather(*(work() for _ in range(in_flight)))
    return tally.stop()


async def ask_with_aiomqtt(port: int, in_flight: int) -> Tally:
    """Ask and match answers by number."""
    waiting: dict[int, asyncio.Future[None]] = {}
    count = iter(range(10**8))
    async with bare(port, "portal") as client:
        await client.subscribe(UP, 1)

        async def listen() -> None:
            async for message in client.messages:
                assert isinstance(message.payload, bytes | bytearray)
                waiting.pop(int(message.payload[:8])).set_result(None)

        async def exchange() -> None:
            number = next(count)
            answered = waiting[number] = asyncio.get_running_loop().create_future()
            await client.publish(DOWN, b"%08d" % number + PADDING, 1)
            await answered

        listening = asyncio.create_task(listen())
        tally = await ask_until_over(in_flight, exchange)
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
    return tally


def bus(port: int, party: GatewayId | None) -> MqttBus:
    """The bus itself."""
    os.environ["BENCH_WORD"] = "bench"
    credentials = Credentials(username=party or "portal", password=Secret(env="BENCH_WORD"))
    return MqttBus(MqttBus.Settings(port=port, in_flight=WINDOW), credentials, party, CLOCK, DICE)


async def answer_with_bus(port: int) -> None:
    """Answer every request until killed."""
    own = bus(port, GATEWAY)

    async def greet() -> None:
        say("ready")

    async with asyncio.TaskGroup() as tasks:

        async def handle(deliveries: Sequence[Delivery]) -> None:
            now = CLOCK.now()
            for request in (delivery.message for delivery in deliveries):
                assert isinstance(request, RequestRead)
                told = ReadProgressed(id=request.id, meter=request.meter, stage=ReadStage.ACCEPTED, at=now)
                tasks.create_task(own.publish(GATEWAY, told))

        await own.run(handle, greet)


async def ask_with_bus(port: int, in_flight: int) -> Tally:
    """Ask with whole messages and match answers by request id."""
    own, greeted = bus(port, None), asyncio.Event()
    waiting: dict[RequestId, asyncio.Future[None]] = {}
    meter, esi_id = MeterNumber("M1"), EsiId("1" * 17)

    async def greet() -> None:
        greeted.set()

    async def handle(deliveries: Sequence[Delivery]) -> None:
        for told in (delivery.message for delivery in deliveries):
            if isinstance(told, ReadProgressed):
                waiting.pop(told.id).set_result(None)

    async def exchange() -> None:
        now = datetime.now(UTC)
        request_id = RequestId(DICE.request_id(now))
        deadline_at = now + timedelta(seconds=120)
        request = RequestRead(id=request_id, meter=meter, esi_id=esi_id, requested_at=now, deadline_at=deadline_at)
        answered = waiting[request_id] = asyncio.get_running_loop().create_future()
        await own.publish(GATEWAY, request)
        await answered

    running = asyncio.create_task(own.run(handle, greet))
    await greeted.wait()
    tally = await ask_until_over(in_flight, exchange)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return tally


ASKERS = {"paho": ask_with_paho, "aiomqtt": ask_with_aiomqtt, "bus": ask_with_bus}


async def answer(name: str, port: int) -> None:
    """Be the other process."""
    if name == "paho":
        await asyncio.to_thread(answer_with_paho, port)
    else:
        await (answer_with_aiomqtt if name == "aiomqtt" else answer_with_bus)(port)


@asynccontextmanager
async def another(*role: str, script: str = __file__, limit_s: float = LIMIT_S) -> AsyncIterator[str]:
    """A script, this one, in another process and another role, from its first line of output on; killed in the end."""
    process = await asyncio.create_subprocess_exec(sys.executable, script, *role, stdout=PIPE)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(limit_s):
            yield (await process.stdout.readline()).decode().strip()
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def serve() -> None:
    """Be the embedded broker, until killed."""
    os.environ["BENCH_WORD"] = "bench"
    users = {name: Secret(env="BENCH_WORD") for name in USERS}
    broker = EmbeddedBroker(EmbeddedBroker.Settings(port=0, users=users))
    await broker.start()
    say(str(broker.port))
    await asyncio.Event().wait()


async def measure(broker: str, port: int, name: str, in_flight: int) -> float:
    """Let one client ask through one broker and say the result; returns its requests a second."""
    async with another("answer", name, str(port)):
        tally = await ASKERS[name](port, in_flight)
    say(f"{broker:9} {tally.line(name, in_flight)}")
    return tally.rate


async def main(in_flights: Sequence[int]) -> None:
    """Measure every client at every number in flight, and set the bus against the two peers."""
    say(f"client window {WINDOW}, broker window {WINDOW}, QoS 1")
    with tempfile.TemporaryDirectory() as folder:
        async with private_mosquitto(Path(folder), USERS, max_inflight=WINDOW) as broker:
            for in_flight in in_flights:
                rates = {name: await measure("mosquitto", broker.port, name, in_flight) for name in ASKERS}
                for peer in ("paho", "aiomqtt"):
                    say(f"the bus reaches {rates['bus'] / rates[peer]:.0%} of {peer} with {in_flight} in flight")
    async with another("serve") as port:
        for in_flight in in_flights:
            await measure("embedded", int(port), "bus", in_flight)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve"]:
            asyncio.run(serve())
        case ["answer", name, port]:
            asyncio.run(answer(name, int(port)))
        case numbers:
            asyncio.run(main([int(text) for text in numbers] or [1, 64]))
