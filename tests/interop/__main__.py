"""`make interop`: the unmodified zigbee-herdsman host forms a network, lets a simulated meter join, and reads it.

    python -m tests.interop [reads]

It comes from the npm registry into var/interop, at the version that was tried, and speaks by its adapter for EmberZNet
over TCP to our co-processor of EZSP 13, 14 and 19: two stacks that were written apart. Exit code 1 if one disagrees.
"""

import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from simulators.control_port import tell
from simulators.processes import Child, metergate

HERE = Path(__file__).resolve().parent
FOLDER = HERE.parents[1] / "var" / "interop"
PACKAGE = "zigbee-herdsman@10.9.0"
VERSIONS = (13, 14, 19)
SEED, SUBMETER = 7, 5
LIMIT_S = 120.0


class Disagreement(Exception):
    """The two stacks did not understand each other."""


def herdsman() -> Path | None:
    """The folder whose modules hold it, if it is installed."""
    return FOLDER if (FOLDER / "node_modules" / "zigbee-herdsman").is_dir() else None


def install() -> Path:
    """Install it, if it is not there."""
    if shutil.which("npm") is None:
        raise SystemExit("make interop needs node and npm; on Debian: apt-get install nodejs npm")
    FOLDER.mkdir(parents=True, exist_ok=True)
    if herdsman() is None:
        command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(FOLDER), PACKAGE]
        subprocess.run(command, check=True)
    return FOLDER


async def meet(version: int, reads: int) -> dict[str, Any]:
    """Let it run against a co-processor of a version; returns its events by name."""
    lab = Child(
        "lab",
        metergate(
            "lab", "ncp", "--blank", "--meters=1", f"--devices={SUBMETER + 1}", f"--seed={SEED}", f"--ezsp={version}",
            "--plain=answer",
        ),
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        told = await lab.start()
        try:
            control = int(told["control"])
            listed = (await tell(control, {"devices": True}))["devices"][SUBMETER]
            device = await tell(control, {"device": listed["device"]})
            code = str(device["install_code"]).replace(" ", "")
            process = await asyncio.create_subprocess_exec(
                "node", str(HERE / "herdsman.mjs"), str(install()), told["port"], folder, listed["device"], code,
                str(reads), stdout=asyncio.subprocess.PIPE,
            )  # fmt: skip
            try:
                async with asyncio.timeout(LIMIT_S):
                    return await _events(process, control, listed["device"])
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
        finally:
            await lab.stop()


async def _events(process: asyncio.subprocess.Process, control: int, device: str) -> dict[str, Any]:
    """What it says, until it ends; the device is switched on once the network is open."""
    assert process.stdout is not None
    events: dict[str, Any] = {}
    while line := await process.stdout.readline():
        event = json.loads(line)
        events[event["event"]] = event
        if event["event"] == "open":
            await tell(control, {"device": device, "power": "on"})
    await process.wait()
    if "stopped" not in events:
        raise Disagreement(f"it got as far as {list(events)}")
    return events


async def main(reads: int) -> int:
    """Meet every version; returns how many did not agree."""
    install()
    wrong = 0
    for version in VERSIONS:
        try:
            events = await meet(version, reads)
        except (Disagreement, TimeoutError) as trouble:
            wrong += 1
            say(f"FAIL EZSP {version}: {trouble or 'no end in time'}")
            continue
        values, rate = events["read"]["values"], events["rate"]
        kwh = values["currentSummDelivered"] * values["multiplier"] / values["divisor"]
        say(
            f"ok   EZSP {version}: formed, {events['joined']['ieee']} joined, "
            f"{events['interviewed']['model']} interviewed, {kwh:.3f} kWh read; "
            f"{rate['reads'] / rate['seconds']:.0f} reads/s"
        )
    return wrong


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)))
