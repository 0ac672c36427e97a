"""Laboratories for anybody's tests: name `simulators.fixtures` in pytest_plugins, and ask for a fixture.

lab_process starts `metergate lab ncp`, `lab modbus` or `lab meter-han` as a process, and so serves tests of any kind
and any program; lab_street, lab_line and lab_meter stand in the test's own event loop, where the test reaches into
them. All take free ports, and all are gone when the test ends. Needs pytest, which metergate itself does not.
"""

import subprocess
from collections.abc import Iterator

import pytest

from simulators.standing import (
    LabProcess,
    StandLine,
    StandMeter,
    StandStreet,
    StartProcess,
    ended,
    standing_line,
    standing_meter,
    standing_street,
    started,
)


@pytest.fixture
def lab_process() -> Iterator[StartProcess]:
    """lab_process("ncp", "--meters=3") starts a laboratory with those options; raises DidNotStart with its words."""
    processes: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> LabProcess:
        process, lab = started(arguments)
        processes.append(process)
        return lab

    yield start
    for process in processes:
        ended(process)


@pytest.fixture
def lab_street() -> StandStreet:
    """`async with lab_street(StreetPlan(meters=3), clock) as lab:` has a street stand; without a clock on real time."""
    return standing_street


@pytest.fixture
def lab_line() -> StandLine:
    """`async with lab_line("eastron-sdm630", units=3) as (street, port):` has a line of Modbus meters stand."""
    return standing_line


@pytest.fixture
def lab_meter() -> StandMeter:
    """`async with lab_meter(NetworkPlan(devices=2), clock) as (home, port):` has a meter with its own network stand."""
    return standing_meter
