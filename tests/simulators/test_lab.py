"""The laboratory's control port and its commands."""

import json
import re
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.identifiers import Eui64, MeterNumber
from simulators.control import ControlPort, obey
from simulators.control_port import tell
from simulators.faults import Fault, FaultKind
from simulators.lab import assignments_csv
from simulators.world import OtherStreet, StreetPlan, ZigBeeStreet

from .conftest import HandClock, Standing

LAB = [sys.executable, "-c", "from gateway.cli import main; main()", "lab"]


def lab(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*LAB, *arguments], capture_output=True, text=True, timeout=60)


async def test_faults_are_set_and_cleared_over_the_control_port(stand: Standing) -> None:
    street, _ = await stand(StreetPlan(meters=3))
    control = ControlPort(street)
    port = await control.start()
    number = street.premises[1].meter
    try:
        assert await tell(port, {"meter": number, "fault": "slow", "seconds": 5}) == {"ok": True}
        assert street.meter(number).fault == Fault(kind=FaultKind.SLOW, seconds=5.0)
        assert await tell(port, {"meter": number, "fault": None}) == {"ok": True}
        assert street.meter(number).fault is None
        assert (await tell(port, {"stats": True}))["reads"] == {premise.meter: 0 for premise in street.premises}
    finally:
        await control.close()


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("{", "JSON"),
        ("[1]", "object"),
        ('{"meter": "1", "fault": null}', "no meter"),
        ('{"meter": "900700000", "fault": "loud"}', "no fault"),
        ('{"meter": "900700000", "fault": "slow", "seconds": "5"}', "seconds"),
        ('{"meter": "900700000", "fault": "slow", "seconds": -1}', "seconds"),
        ('{"ncp": "explode"}', "not a command"),
        ("[" * 100_000, "JSON"),
    ],
)
def test_a_line_that_is_no_command_is_answered_with_what_is_wrong(line: str, error: str) -> None:
    answer = obey(ZigBeeStreet(StreetPlan(meters=1), HandClock()), line)
    assert error in answer["error"]


json_lines = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["meter", "fault", "seconds", "ncp", "stats"]), inner, max_size=4)
    ),
    max_leaves=6,
)


@given(json_lines)
def test_no_line_of_json_raises(command: Any) -> None:
    answer = obey(ZigBeeStreet(StreetPlan(meters=1), HandClock()), json.dumps(command))
    assert set(answer) & {"ok", "error", "reads"}


def test_assignments_are_what_a_gateway_reads() -> None:
    header, *rows = assignments_csv(7, 3).splitlines()
    assert header == "meter,driver,address"
    for row in rows:
        meter, driver, address = row.split(",")
        assert (MeterNumber(meter), driver, Eui64(address)) == (meter, "zigbee", address)
    assert lab("assignments", "--meters", "3", "--seed", "7").stdout == assignments_csv(7, 3)


def test_the_command_says_where_it_listens_and_ends_cleanly_when_told(tmp_path: Path) -> None:
    out = tmp_path / "assignments.csv"
    with subprocess.Popen(
        [*LAB, "ncp", "--meters", "5", "--config-out", str(out)], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            ready = re.fullmatch(r"ready port=(\d+) control=(\d+) meters=5 devices=0\n", process.stdout.readline())
            assert ready is not None
            assert out.read_text() == assignments_csv(7, 5)
            number = out.read_text().splitlines()[1].split(",")[0]
            assert lab("fault", "--port", ready[2], number, "silent").returncode == 0
            assert json.loads(lab("stats", "--port", ready[2]).stdout)["reads"][number] == 0
            wrong = lab("fault", "--port", ready[2], "123", "silent")
            assert (wrong.returncode, wrong.stderr) == (1, "metergate: no meter '123' on this street\n")
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0


@pytest.mark.parametrize("other", [{"seed": 8}, {"first": 3}, {"meters": 6}])
@pytest.mark.parametrize("blank", [False, True])
def test_a_state_file_of_another_street_is_refused_in_words(tmp_path: Path, other: dict[str, int], blank: bool) -> None:
    plan = StreetPlan(meters=5, seed=7, blank=blank, state=tmp_path / "state.json")
    ZigBeeStreet(plan, HandClock()).memory.save()
    again = ZigBeeStreet(plan, HandClock())
    assert (again.memory.network is None) is blank
    with pytest.raises(OtherStreet, match=r"was formed for seed 7, first 0, meters 5, not for seed"):
        ZigBeeStreet(replace(plan, **other), HandClock())  # type: ignore[arg-type]  # numbers of a plan


def test_the_command_refuses_a_state_file_of_another_street(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    ZigBeeStreet(StreetPlan(meters=5, seed=7, state=state), HandClock())
    out = tmp_path / "assignments.csv"
    refused = lab("ncp", "--meters=5", "--seed=8", f"--state={state}", f"--config-out={out}")
    assert refused.returncode == 1
    assert not out.exists()
    assert refused.stderr.startswith(f"metergate: {state} was formed for seed 7")


def test_a_state_file_from_before_streets_were_noted_is_taken(tmp_path: Path) -> None:
    plan = StreetPlan(meters=5, seed=7, state=tmp_path / "state.json")
    memory = ZigBeeStreet(plan, HandClock()).memory
    kept = json.loads((tmp_path / "state.json").read_text())
    del kept["formed_for"]
    (tmp_path / "state.json").write_text(json.dumps(kept))
    assert ZigBeeStreet(plan, HandClock()).memory.network == memory.network


def test_an_unknown_version_is_refused_in_words() -> None:
    refused = lab("ncp", "--ezsp", "15")
    assert refused.returncode == 2
    assert "13, 14, 16" in refused.stderr
