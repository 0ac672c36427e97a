"""Private servers for tests: a Debian program on a free loopback port, started here and ended here."""

import asyncio
import os
import shutil
import signal
import socket
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

START_S = 10.0
STOP_S = 5.0
AGAIN_S = 0.2
"""How long a program may take over a signal before it is sent again: Mosquitto loses one that comes while it starts."""


def need(found: object, what: str, package: str) -> None:
    """Skip the test in one line if a Debian program was not found; fail it if REQUIRE_ALL is set."""
    if not found:
        answer = pytest.fail if os.environ.get("REQUIRE_ALL") == "1" else pytest.skip
        answer(f"{what} is missing; on Debian: apt-get install {package}")


def program(name: str, package: str) -> str:
    """The path of a Debian program; skips the test in one line if it is missing, fails it if REQUIRE_ALL is set."""
    path = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    need(path, name, package)
    assert path is not None
    return path


def free_port() -> int:
    """A loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Mosquitto:
    """One Mosquitto on 127.0.0.1: started, killed and started again on the same port. Nothing outlives it on disk."""

    host = "127.0.0.1"

    def __init__(self, binary: str, config: Path, port: int) -> None:
        self.port = port
        self.log: deque[str] = deque(maxlen=200)
        self._binary = binary
        self._config = config
        self._process: Process | None = None
        self._reader: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start it and return when it listens. Raises AssertionError with its last words if it does not."""
        running = asyncio.Event()
        self._process = await asyncio.create_subprocess_exec(
            self._binary, "-c", str(self._config), stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE
        )
        self._reader = asyncio.create_task(self._read(self._process, running))
        async with asyncio.timeout(START_S):
            await running.wait()
        assert self._process.returncode is None, "\n".join(self.log)

    async def kill(self) -> None:
        """End it at once, as a crash would (SIGKILL)."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> None:
        """End it in order (SIGTERM)."""
        await self._end(signal.SIGTERM)

    def pause(self) -> None:
        """Freeze it: connections stay open and nothing answers (SIGSTOP)."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on after pause (SIGCONT)."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)

    async def _end(self, number: signal.Signals) -> None:
        if self._process is None or self._reader is None:
            return
        self._signal(signal.SIGCONT)
        async with asyncio.timeout(STOP_S):
            while not self._reader.done():
                self._signal(number)
                await asyncio.wait((self._reader,), timeout=AGAIN_S)
            await self._process.wait()
        self._process = self._reader = None

    async def _read(self, process: Process, running: asyncio.Event) -> None:
        assert process.stderr is not None
        async for line in process.stderr:
            self.log.append(line.decode(errors="replace").rstrip())
            if self.log[-1].endswith("running"):
                running.set()
        running.set()


@asynccontextmanager
async def private_mosquitto(
    folder: Path,
    users: Mapping[str, str],
    *,
    portals: Sequence[str] = ("portal",),
    tdsps: Sequence[str] = (),
    max_inflight: int = 64,
    max_queued: int = 20_000,
    username_as_clientid: bool = True,
    extra: Sequence[str] = (),
) -> AsyncIterator[Mosquitto]:
    """A Mosquitto with password and access lists in folder; users maps names to passwords.

    A user named in portals reads up and writes down for every gateway and hears every TDSP, one named in tdsps tells on
    its own topic; anyone else is the gateway of that name.
    Client ids follow user names unless username_as_clientid is off, so that nobody ends another's session.
    """
    binary, hasher = program("mosquitto", "mosquitto"), program("mosquitto_passwd", "mosquitto")
    passwords, access, config = folder / "passwords", folder / "access", folder / "mosquitto.conf"
    passwords.write_text("".join(f"{name}:{password}\n" for name, password in users.items()))
    await (await asyncio.create_subprocess_exec(hasher, "-U", str(passwords), stderr=DEVNULL)).wait()
    lines = ["pattern write metergate/1/up/%u/#", "pattern read metergate/1/down/%u/#"]
    for name in portals:
        lines += [f"user {name}", "topic read metergate/1/up/#", "topic write metergate/1/down/#"]
        lines += ["topic read metergate/1/market/+"]
    for name in tdsps:
        lines += [f"user {name}", f"topic write metergate/1/market/{name}"]
    access.write_text("\n".join(lines) + "\n")
    port = free_port()
    lines = [
        f"listener {port} 127.0.0.1",
        "allow_anonymous false",
        f"password_file {passwords}",
        f"acl_file {access}",
        "persistence false",
        "set_tcp_nodelay true",
        f"max_inflight_messages {max_inflight}",
        f"max_queued_messages {max_queued}",
        f"use_username_as_clientid {str(username_as_clientid).lower()}",
        "log_type error",
        "log_type warning",
        "log_type notice",
        "log_type information",
        "log_dest stderr",
        *(["user root"] if os.geteuid() == 0 else []),
        *extra,
    ]
    config.write_text("\n".join(lines) + "\n")
    server = Mosquitto(binary, config, port)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


class Proxy:
    """A TCP proxy in front of a broker that counts what clients acknowledge and can cut every connection.

    At most 64 connections; each direction reads 64 KiB at a time.
    """

    host = "127.0.0.1"
    PUBACK = 4

    def __init__(self, target_port: int) -> None:
        self.port = 0
        self.acknowledgements = 0
        """MQTT PUBACK packets that clients have sent so far."""
        self._changed = asyncio.Condition()
        self._target_port = target_port
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen on a free loopback port."""
        self._server = await asyncio.start_server(self._serve, self.host, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def until_acknowledged(self, count: int) -> None:
        """Return when clients have sent so many PUBACK packets."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.acknowledgements >= count)

    def cut(self) -> None:
        """Reset every connection, as the death of a process or of a line would."""
        for writer in list(self._writers):
            writer.transport.abort()

    async def stop(self) -> None:
        """Cut what is open and listen no more."""
        if self._server is not None:
            self._server.close()
        self.cut()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=STOP_S)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if len(self._tasks) >= 64:
            writer.transport.abort()
            return
        self._tasks.add(task)
        self._writers.add(writer)
        try:
            far_reader, far_writer = await asyncio.open_connection(self.host, self._target_port)
        except OSError:
            writer.transport.abort()
        else:
            self._writers.add(far_writer)
            await asyncio.gather(self._count(reader, far_writer), self._copy(far_reader, writer))
            self._writers.discard(far_writer)
        self._writers.discard(writer)
        self._tasks.discard(task)

    async def _copy(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65_536):
                sink.write(data)
                await sink.drain()
        except OSError:
            pass
        sink.transport.abort()

    async def _count(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        """Copy whole MQTT packets, looking at each one's type."""
        try:
            while True:
                packet = await source.readexactly(1)
                length = shift = 0
                while True:
                    byte = await source.readexactly(1)
                    packet += byte
                    length |= (byte[0] & 0x7F) << shift
                    shift += 7
                    if byte[0] < 0x80:
                        break
                packet += await source.readexactly(length)
                sink.write(packet)
                await sink.drain()
                if packet[0] >> 4 == self.PUBACK:
                    self.acknowledgements += 1
                    async with self._changed:
                        self._changed.notify_all()
        except (OSError, asyncio.IncompleteReadError):
            pass
        sink.transport.abort()
