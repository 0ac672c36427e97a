"""Real processes under one hand: start them, wait for their word, kill and restart them, end them all."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gateway.errors import Fault

REMEMBERED_LINES = 200
LINE_BYTES = 1 << 20
STOP_S = 15.0
LONGEST_PAUSE_S = 30.0


class DidNotStart(Fault):
    """A process ended, or said nothing, before it was ready."""


def metergate(*arguments: str) -> list[str]:
    """The command line of a metergate sub-command in this very environment."""
    return [sys.executable, "-m", "gateway", *arguments]


@dataclass(eq=False)
class Child:
    """One process of ours. It is ready when a line of its output begins with `ready`; the last lines are kept."""

    name: str
    command: Sequence[str]
    log: Path | None = None
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=REMEMBERED_LINES))
    starts: int = 0
    _heard: asyncio.Event = field(default_factory=asyncio.Event)
    _process: Process | None = None
    _reader: asyncio.Task[None] | None = None
    _ready: asyncio.Future[dict[str, str]] | None = None

    @property
    def alive(self) -> bool:
        """Whether it runs now."""
        return self._process is not None and self._process.returncode is None

    async def start(self, timeout_s: float = 60.0) -> dict[str, str]:
        """Start it and wait for `ready key=value ...`; returns those values. Raises DidNotStart with its last words."""
        self._ready = asyncio.get_running_loop().create_future()
        await self._spawn()
        try:
            async with asyncio.timeout(timeout_s):
                return await self._ready
        except TimeoutError:
            await self.stop()
            raise DidNotStart(f"{self.name} was not ready after {timeout_s:.0f} s: {self.last_words()}") from None

    async def run(self, timeout_s: float) -> None:
        """Start it and wait for its end. Raises DidNotStart with its last words unless it ends well and in time."""
        self._ready = asyncio.get_running_loop().create_future()
        await self._spawn()
        try:
            async with asyncio.timeout(timeout_s):
                code = await self.wait()
        except TimeoutError:
            code = await self.kill()
        finally:
            if self.alive:  # whoever waited was cancelled: nobody would end it later
                await self.kill()
        if code != 0:
            raise DidNotStart(f"{self.name} ended with {code}: {self.last_words()}")

    async def said(self, words: str, timeout_s: float = 60.0) -> None:
        """Wait until a line of its output holds these words. Raises DidNotStart, at once when it has ended."""
        assert self._reader is not None
        try:
            async with asyncio.timeout(timeout_s):
                while not any(words in line for line in self.lines):
                    if self._reader.done():
                        raise DidNotStart(f"{self.name} ended and did not say {words!r}: {self.last_words()}")
                    self._heard.clear()
                    await self._heard.wait()
        except TimeoutError:
            raise DidNotStart(f"{self.name} did not say {words!r}: {self.last_words()}") from None

    async def wait(self) -> int:
        """Its exit code, once it has ended."""
        assert self._process is not None
        assert self._reader is not None
        code = await self._process.wait()
        await self._reader
        return code

    async def stop(self, timeout_s: float = STOP_S) -> int | None:
        """Ask it to end, wait, and end it the hard way if it does not; returns its exit code."""
        if self._process is None:
            return None
        if self.alive:
            self._process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(timeout_s):
                return await self.wait()
        except TimeoutError:
            return await self.kill()

    async def kill(self) -> int:
        """End it as a power cut would: SIGKILL."""
        assert self._process is not None
        if self.alive:
            self._process.kill()
        return await self.wait()

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, if it runs."""
        if self._process is not None and self.alive:
            self._process.send_signal(number)

    def last_words(self) -> str:
        """The end of what it said."""
        return " / ".join(list(self.lines)[-6:]) or "nothing was said"

    async def _spawn(self) -> None:
        assert self._ready is not None
        assert not self.alive, f"{self.name} runs already"
        self.lines.clear()
        self._process = await asyncio.create_subprocess_exec(
            *self.command,
            stdout=PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            limit=LINE_BYTES,
        )
        self.starts += 1
        self._reader = asyncio.create_task(self._read(self._process, self._ready))
        self._reader.add_done_callback(lambda _: self._heard.set())

    async def _read(self, process: Process, ready: asyncio.Future[dict[str, str]]) -> None:
        assert process.stdout is not None
        with (self.log or Path(os.devnull)).open("ab") as log:
            while line := await _line(process.stdout):
                log.write(line)
                log.flush()
                text = line.decode(errors="replace").rstrip()
                self.lines.append(text)
                self._heard.set()
                if text.startswith("ready") and not ready.done():
                    ready.set_result(dict(word.split("=", 1) for word in text.split()[1:] if "=" in word))
        await process.wait()  # it may live a moment longer than its output
        if not ready.done():
            ready.set_exception(DidNotStart(f"{self.name} ended before it was ready: {self.last_words()}"))
            ready.exception()


async def _line(stream: asyncio.StreamReader) -> bytes:
    """The next line, empty at the end; one that is longer than LINE_BYTES is told and dropped."""
    try:
        return await stream.readline()
    except ValueError:
        return b"(a line too long to keep)\n"


async def keep_running(child: Child, backoff_s: float = 1.0) -> None:
    """Start a child again whenever it ends, until cancelled; the pause grows while it does not start."""
    pause_s = backoff_s
    while True:
        await child.wait()
        await asyncio.sleep(pause_s)
        try:
            await child.start()
        except DidNotStart:
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
        else:
            pause_s = backoff_s
