"""The laboratory's commands as a tester types them, against a laboratory that runs in a process of its own."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gateway.errors import BadInput
from simulators.lab import app
from simulators.zigbee.air import pcapng

from .air.test_replay import evening

READY = re.compile(r"ready port=(\d+) control=(\d+)(.*)\n")


@contextmanager
def running(*arguments: str) -> Iterator[tuple[str, str]]:
    """A laboratory in a process: its control port, and what else it said when it was ready."""
    command = [sys.executable, "-m", "gateway", "lab", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            ready = READY.fullmatch(process.stdout.readline())
            assert ready is not None
            yield ready[2], ready[3]
        finally:
            process.terminate()
            assert process.wait(20) == 0


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The control port of a street on which a thousand seconds pass in one."""
    folder = tmp_path_factory.mktemp("street")
    options = ("--start=2026-11-01T05:00Z", "--speed=1000", f"--capture={folder / 'air.pcapng'}")
    with running("ncp", "--meters=2", "--devices=2", *options) as (control, _):
        yield control
    assert pcapng.read((folder / "air.pcapng").read_bytes()) == ([], [])


def lab(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def error(*arguments: str) -> str:
    """What is told about a mistake, in one sentence."""
    failed = lab(*arguments).exception
    assert isinstance(failed, BadInput)
    return str(failed)


def first_device(street: str) -> str:
    return lab("devices", "--port", street).stdout.split()[0]


def test_devices_are_listed_a_line_each(street: str) -> None:
    lines = lab("devices", "--port", street).stdout.splitlines()
    assert [line.split()[1:3] for line in lines] == [
        ["display", "900700000"], ["thermostat", "900700000"], ["display", "900700001"], ["thermostat", "900700001"],
    ]  # fmt: skip


def test_one_device_is_looked_at_and_pictured(street: str, tmp_path: Path) -> None:
    device = first_device(street)
    told = json.loads(lab("devices", device, "--port", street).stdout)
    assert (told["kind"], told["failure"]) == ("display", "")
    assert re.fullmatch(r"([0-9A-F]{4} ){8}[0-9A-F]{4}", told["install_code"])
    assert lab("devices", device, "--port", street, "--picture", str(tmp_path / "face.svg")).exit_code == 0
    assert (tmp_path / "face.svg").read_text().startswith("<svg")


def test_a_button_that_cannot_be_pressed_is_refused_in_words(street: str) -> None:
    assert "the button ok" in error("devices", first_device(street), "--press", "ok", "--port", street)


def test_a_device_that_finds_no_network_gives_up_and_the_command_says_so(street: str) -> None:
    device = first_device(street)
    asked = lab("join", device, "--port", street)
    assert asked.stdout.startswith(f"display {device} of meter 900700000, install code ")
    assert re.search(r"s  gave_up: no open network\n", asked.stdout)
    assert str(asked.exception) == "the device is not registered, its stage is gave_up"


def test_a_device_is_switched_off(street: str) -> None:
    device = first_device(street)
    lab("devices", device, "--power", "on", "--port", street)
    lab("devices", device, "--power", "off", "--port", street)
    assert json.loads(lab("devices", device, "--port", street).stdout)["stage"] == "off"


def test_the_air_has_weather_until_it_is_clear_again(street: str) -> None:
    assert lab("air", "--loss", "0.1", "--delay-ms", "20", "--poor-links", "--port", street).exit_code == 0
    assert lab("air", "--port", street).exit_code == 0
    assert "shares of all frames" in error("air", "--loss", "0.6", "--damage", "0.6", "--port", street)
    assert "EUI-64" in error("air", "--cut-off", "everybody", "--port", street)
    assert lab("air", "--loss", "2", "--port", street).exit_code == 2


def test_a_port_where_no_laboratory_is_is_said_to_be_one() -> None:
    assert error("stats", "--port", "1").startswith("no laboratory at control port 1: ")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--start", "noon"), "'noon' is no instant with its offset after"),
        (("--start", "2026-11-01T05:00"), "is no instant with its offset after"),
        (("--speed", "0"), "a speed is above 0 and at most 10000, not 0"),
        (("--capture", "/nowhere/air.pcapng"), "cannot be written: No such file or directory"),
        (("--capture", "air.pcapng", "--blank"), "a capture needs a network that is formed already"),
        (("--replay", "/nowhere/air.pcapng"), "cannot be read: No such file or directory"),
        (("--replay", __file__), "a block of"),
    ],
)
def test_a_bad_value_is_refused_in_words(options: tuple[str, str], words: str) -> None:
    assert words in error("ncp", "--meters=1", *options)


@pytest.mark.parametrize(
    "options", [("--start", "noon"), ("--speed", "-1"), ("--fault", "1=loud"), ("--fault", "99=late")]
)
def test_a_line_refuses_a_bad_value_in_words(options: tuple[str, str]) -> None:
    assert any(words in error("modbus", *options) for words in ("no instant", "a speed is above", "no UNIT=KIND"))


def test_a_recorded_device_stands_in_the_first_home_under_its_own_address(tmp_path: Path) -> None:
    eui64, _ = evening(tmp_path / "air.pcapng")
    name = f"{eui64:016X}"
    capture = f"--replay={tmp_path / 'air.pcapng'}"
    with running("ncp", "--meters=1", capture, f"--replay-as={name}") as (control, rest):
        assert rest == f" meters=1 devices=0 replay={name}"
        told = json.loads(lab("devices", name, "--port", control).stdout)
        assert (told["kind"], told["shows"]) == ("replay", {"said": 0, "delivered": 0, "of": 4})
    assert f"{name} (4)" in error("ncp", "--meters=1", capture, "--replay-as=0x0000")


def test_a_modbus_line_takes_faults_and_counts_and_drops_hosts() -> None:
    with running("modbus", "--units=2", "--start=2026-11-01T05:00Z", "--speed=60") as (control, rest):
        assert rest == " units=2 profile=eastron-sdm630"
        assert lab("fault", "900700000", "late", "--seconds", "2", "--port", control).exit_code == 0
        assert lab("fault", "900700000", "exception", "--code", "6", "--port", control).exit_code == 0
        assert lab("fault", "900700000", "none", "--port", control).exit_code == 0
        assert lab("radio", "drop", "--port", control).exit_code == 0
        assert json.loads(lab("stats", "--port", control).stdout)["reads"] == {"900700000": 0, "900700001": 0}
        assert "no fault 'slow': there are silent, late" in error("fault", "900700000", "slow", "--port", control)
