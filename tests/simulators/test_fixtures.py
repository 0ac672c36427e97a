"""The fixtures that other projects' tests use, used here as they would."""

import re
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from simulators.control_port import tell
from simulators.meter_network import NetworkPlan
from simulators.processes import DidNotStart
from simulators.standing import StandLine, StandMeter, StandStreet, StartProcess
from simulators.world import StreetPlan
from simulators.zigbee.services_interface.peers import Standing
from tests.drivers.homes import wait_until

from .conftest import HandClock, Host

pytest_plugins = ["simulators.fixtures"]

Connect = Callable[..., Awaitable[Host]]
PAGE = Path(__file__).resolve().parents[2] / "docs" / "laboratory.md"


def example() -> str:
    """The test in the laboratory's page."""
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    (found,) = (block for block in blocks if "simulators.fixtures" in block)
    return str(found)


def test_the_page_s_example_passes_in_a_project_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "test_head_end.py").write_text(example(), encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(tmp_path),
        str(tmp_path),
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout.splitlines()[-1][:8]) == (0, "1 passed"), done.stdout


def test_a_process_is_told_and_is_gone_afterwards(lab_process: StartProcess) -> None:
    lab = lab_process("modbus", "--units=2")
    assert lab.told["units"] == "2"
    assert lab.tell({"meter": "900700000", "fault": "silent"}) == {"ok": True}
    assert lab.tell({"meter": "1", "fault": "silent"}) == {"error": "no meter '1' on this line"}


def test_a_process_that_cannot_start_says_why(lab_process: StartProcess) -> None:
    with pytest.raises(DidNotStart, match="a speed is above 0"):
        lab_process("ncp", "--speed=0")


async def test_a_street_stands_in_the_test_s_own_loop(
    lab_street: StandStreet, connect: Callable[..., Awaitable[Host]]
) -> None:
    async with lab_street(StreetPlan(meters=2), HandClock()) as lab:
        await connect(lab.port)
        assert lab.street.ncp.connections == 1
        assert await tell(lab.control, {"stats": True}) == {
            "reads": {"900700000": 0, "900700001": 0},
            "connections": 1,
            "air": {"arrives": 0, "lost": 0, "damaged": 0, "doubled": 0},
        }


async def test_a_line_stands_in_the_test_s_own_loop(lab_line: StandLine) -> None:
    async with lab_line("eastron-sdm630", units=3) as (street, port):
        assert len(street.meters) == 3
        assert port > 0


async def test_a_meter_with_its_own_network_stands_in_the_test_s_own_loop(lab_meter: StandMeter) -> None:
    async with lab_meter(NetworkPlan(devices=1), HandClock()) as (home, control):
        label = next(iter(home.homes))
        await tell(control, {"han": "add", "device": label.eui64, "code": label.label})
        await tell(control, {"device": label.eui64, "power": "on"})
        peer = home.interface.known(int(label.eui64, 16))
        await wait_until(lambda: peer.standing is Standing.REGISTERED)
        listed = await tell(control, {"han": "list"})
        assert [(each["device"], each["standing"]) for each in listed["devices"]] == [(label.eui64, "registered")]


def test_a_meter_stands_in_a_process_without_a_port_of_a_radio(lab_process: StartProcess) -> None:
    lab = lab_process("meter-han", "--devices=1")
    assert (lab.port, lab.told["meter"]) == (0, "900700000")
    assert lab.tell({"han": "list"}) == {"ok": True, "window": False, "devices": []}
