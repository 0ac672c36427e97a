"""A meter with its own network in a process of its own, and a head end's commands as a tester types them."""

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from simulators.control_port import follow
from simulators.zigbee.air import pcapng

from .test_lab_commands import error, lab

READY = re.compile(r"ready control=(\d+) meter=900700000 eui64=000D6F0007000000 devices=2\n")
DISPLAY, THERMOSTAT = "0022A30007000000", "0022A30007000001"
TURNS = 3000


@contextmanager
def running(*arguments: str) -> Iterator[str]:
    command = [sys.executable, "-m", "gateway", "lab", "meter-han", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            ready = READY.fullmatch(process.stdout.readline())
            assert ready is not None
            yield ready[1]
        finally:
            process.terminate()
            assert process.wait(20) == 0


def head_end(*arguments: str, port: str) -> str:
    done = lab("head-end", *arguments, "--port", port)
    assert (done.exit_code, done.exception) == (0, None)
    return done.stdout


def until(true: Callable[[str], bool], *arguments: str, port: str) -> str:
    """A command's output once it is as it should be; devices take their moment."""
    for _ in range(TURNS):
        told = head_end(*arguments, port=port)
        if true(told):
            return told
    raise AssertionError(told)


def label(device: str, port: str) -> str:
    code: str = json.loads(lab("devices", device, "--port", port).stdout)["install_code"]
    return code


def test_a_home_is_joined_told_things_and_left_by_commands_alone(tmp_path: Path) -> None:
    capture, keys = tmp_path / "air.pcapng", tmp_path / "keys.txt"
    options = ("--start=2026-06-01T12:00Z", f"--capture={capture}", f"--keys={keys}")
    with running(*options) as port:
        for device in (DISPLAY, THERMOSTAT):
            added = head_end("add", device, label(device, port), port=port)
            assert added == f"{device} is awaited for 300 s, the window is open for 254 s\n"
            joined = lab("join", device, "--port", port)
            assert joined.exception is None
            assert joined.stdout.endswith("s  registered\n")
        listed = until(lambda told: "0x0502" in told and "0x0503" in told, "list", port=port)
        assert listed == f"window closed\n{DISPLAY}  registered  0x0502\n{THERMOSTAT}  registered  0x0503\n"
        price = head_end("price", "0.1234", "--label", "EVENING", "--minutes", "60", "--ack", port=port)
        assert re.fullmatch(r"price \d+, tier 2, 2026-06-01T12:0\S+ to 2026-06-01T13:0\S+\n", price)
        text, event = head_end("text", "Hi", "--confirm", port=port), head_end("event", "--minutes", "60", port=port)
        until(lambda told: told.count("event_status") == 2 and "price_acknowledged" in told, "answers", port=port)
        pressed = json.loads(lab("devices", DISPLAY, "--press", "ok", "--port", port).stdout)
        assert (pressed["shows"]["price"], pressed["shows"]["text"]) == (0.1234, "Hi")
        answers = until(lambda told: "text_confirmed" in told, "answers", port=port).splitlines()
        assert sum(f"  {text.split()[1]}" in line for line in answers) == 1
        head_end("event", "--cancel", event.split()[1], port=port)
        head_end("text", port=port)
        head_end("rotate-key", port=port)
        head_end("window", "--seconds", "60", port=port)
        head_end("window", "--seconds", "0", port=port)
        head_end("remove", DISPLAY, port=port)
        ends = frozenset(("left",))
        assert asyncio.run(follow(int(port), DISPLAY, ends, SystemClock(), lambda *_: None, 20)) == "left"
        log = until(lambda told: "removed" in told, "log", port=port)
        assert "network_key_changed" in log
        assert "install" not in label(DISPLAY, port)
    packets, secrets = pcapng.read(capture.read_bytes())
    assert len(packets) > 100
    assert len(keys.read_text().splitlines()) == len(secrets) == 6


def test_the_air_and_the_meter_s_faults_are_told_over_the_same_port() -> None:
    with running() as port:
        assert lab("air", "--loss", "0.1", "--port", port).exit_code == 0
        assert lab("fault", "900700000", "silent", "--port", port).exit_code == 0
        assert lab("join", DISPLAY, "--port", port, "--timeout-s", "0").exit_code == 1
        assert "check sum" in error("head-end", "add", DISPLAY, "00" * 18, "--port", port)
        assert "was added to the meter" in error("head-end", "remove", DISPLAY, "--port", port)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--start", "noon"), "'noon' is no instant with its offset after"),
        (("--speed", "0"), "a speed is above 0 and at most 10000, not 0"),
        (("--capture", "/nowhere/air.pcapng"), "cannot be written: No such file or directory"),
    ],
)
def test_a_bad_value_is_refused_in_words(options: tuple[str, str], words: str) -> None:
    assert words in error("meter-han", *options)
