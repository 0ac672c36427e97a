"""The demo's home-area devices: one is joined, told and removed at a terminal, then twenty join by a program."""

import asyncio
import os
import re
import statistics
from dataclasses import dataclass
from typing import Any

import aiohttp

from gateway.clock import SystemClock
from portal.commands.client import PASSWORD_ENV
from simulators.control_port import tell
from simulators.processes import metergate

CLOCK = SystemClock()
JOINS = 20
JOIN_MEDIAN_S = 3.0
COMMAND_S = 60.0
STAGES = ("requested", "validated", "key installed", "window open", "joined", "announced", "interviewed",
          "key establishing", "registered", "active")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminal:
    """Somebody at a terminal of this machine: the TDSP's operator, with the laboratory's control port beside."""

    portal: str
    user: str
    password: str
    control_port: int

    async def run(self, *words: str, typed: str = "") -> str:
        """What a command prints. Raises AssertionError with it if it fails."""
        process = await asyncio.create_subprocess_exec(
            *metergate(*words),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, PASSWORD_ENV: self.password, "METERGATE_PORTAL": self.portal},
        )
        async with asyncio.timeout(COMMAND_S):
            printed, _ = await process.communicate(f"{typed}\n".encode())
        assert process.returncode == 0, f"metergate {' '.join(words)}: {printed.decode()}"
        return printed.decode()

    async def han(self, *words: str, typed: str = "") -> str:
        """A `metergate han` command as the operator."""
        return await self.run("han", *words, "--user", self.user, typed=typed)

    async def lab(self, *words: str) -> str:
        """A `metergate lab` command at the laboratory."""
        return await self.run("lab", *words, "--port", str(self.control_port))


async def join_a_display(terminal: Terminal) -> tuple[str, str, str]:
    """The first display of the laboratory's list joins its meter; returns the meter, the device, and a line to show."""
    listed = re.search(r"^([0-9A-F]{16})  display +(\S+)  off$", await terminal.lab("devices"), re.MULTILINE)
    assert listed, "no display waits to be switched on"
    device, meter = listed.groups()
    label = re.search(r'"install_code": "([0-9A-F ]+)"', await terminal.lab("devices", device))
    assert label, "no install code is shown"
    told, seen = await asyncio.gather(terminal.han("join", meter, device, typed=label[1]), terminal.lab("join", device))
    places = [told.find(f"s  {stage}") for stage in STAGES]
    assert -1 not in places, told
    assert places == sorted(places), told
    assert "registered" in seen, seen
    return meter, device, " ".join(told.strip().splitlines()[-1].split())


async def tell_and_remove(terminal: Terminal, meter: str, device: str) -> str:
    """A price and a text appear on the display; it is pinged and removed. Returns a line to show."""
    await terminal.han("price", meter, "0.1275", "--label", "PEAK", "--minutes", "60")
    await terminal.han("text", meter, "Storm tonight", "--confirm")
    shown = (await tell(terminal.control_port, {"device": device}))["shows"]
    assert (shown["price"], shown["label"], shown["text"]) == (0.1275, "PEAK", "Storm tonight"), shown
    await terminal.lab("devices", device, "--press", "ok")
    ping = (await terminal.han("ping", meter, device)).strip().splitlines()[-1]
    assert ping.endswith(" ms"), ping
    await terminal.han("remove", meter, device)
    left = await tell(terminal.control_port, {"device": device})
    assert left["stage"] == "left", left
    return f"shown {shown['price']} and {shown['text']!r}, ping {ping}"


async def join_many(session: aiohttp.ClientSession, api: str, control_port: int) -> list[float]:
    """Twenty displays join their meters, one after the other; the seconds of each from the request to ACTIVE."""
    listed = (await tell(control_port, {"devices": True}))["devices"]
    waiting = [each for each in listed if each["kind"] == "display" and each["stage"] == "off"]
    return [await _one_join(session, api, control_port, each) for each in waiting[:JOINS]]


async def _one_join(session: aiohttp.ClientSession, api: str, control_port: int, listed: dict[str, Any]) -> float:
    device, code = listed["device"], (await tell(control_port, {"device": listed["device"]}))["install_code"]
    async with session.get(f"{api}/meters", params={"number": listed["meter"]}) as answer:
        esi_id = (await answer.json())["meters"][0]["esi_id"]
    began_s = CLOCK.monotonic()
    body = {"device": device, "install_code": code}
    async with session.post(f"{api}/meters/{esi_id}/joins", json=body) as answer:
        asked = await answer.json()
        assert answer.status == 202, asked
    await tell(control_port, {"device": device, "power": "on"})
    command: dict[str, Any] = {"version": None, "status": "waiting"}
    async with asyncio.timeout(COMMAND_S):
        while command["status"] not in ("done", "failed", "refused"):
            since = {} if command["version"] is None else {"since": command["version"]}
            async with session.get(f"{api}/commands/{asked['id']}", params={"wait": 20, **since}) as answer:
                command = await answer.json()
    took_s = CLOCK.monotonic() - began_s
    assert command["status"] == "done", command
    assert command["timeline"][-1]["stage"] == "active", command["timeline"]
    return took_s


def summary(took_s: list[float]) -> str:
    """The joins in a line. Raises AssertionError if they are too few or too slow."""
    median_s = statistics.median(took_s)
    line = f"median {median_s:.2f} s, slowest {max(took_s):.2f} s"
    assert len(took_s) == JOINS, len(took_s)
    assert median_s < JOIN_MEDIAN_S, line
    return line
