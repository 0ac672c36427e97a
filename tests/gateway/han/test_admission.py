"""What a gateway takes up and what it refuses, cause by cause."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.han.admission import Standing, refusal_of
from gateway.han.messages import (
    DescribeDevice,
    DeviceCommand,
    JoinDevice,
    PingDevice,
    RekeyDevice,
    RemoveDevice,
    SendNotice,
)
from gateway.han.notices import Text
from gateway.han.states import GONE, JOINING
from gateway.han.words import NEXT_STEP, Cause, Stage
from gateway.identifiers import Eui64, MeterNumber, RequestId

NOW = datetime(2026, 7, 1, 15, tzinfo=UTC)
METER, OTHER, DEVICE = MeterNumber("M1"), MeterNumber("M2"), Eui64("000D6F0007A0B1C2")
ID = RequestId("0195d3f1-1234-7abc-8def-0123456789ab")
SOON = NOW + timedelta(seconds=60)
JOIN = JoinDevice(
    id=ID, meter=METER, device=DEVICE, sealed_code="x", window_s=60, requested_at=NOW, deadline_at=SOON
)  # fmt: skip
REMOVE, PING, REKEY, DESCRIBE = (
    kind(id=ID, meter=METER, device=DEVICE, requested_at=NOW, deadline_at=SOON)
    for kind in (RemoveDevice, PingDevice, RekeyDevice, DescribeDevice)
)
TELL = SendNotice(
    id=ID, meter=METER, device=DEVICE, notice=Text(event=1, text="Hi"), requested_at=NOW, deadline_at=SOON
)  # fmt: skip
TELL_ALL = replace(TELL, device=None)
ALL: tuple[DeviceCommand, ...] = (JOIN, REMOVE, PING, REKEY, DESCRIBE, TELL, TELL_ALL)
NEW = Standing(assigned=True, has_home=True)
ACTIVE = replace(NEW, at=METER, stage=Stage.ACTIVE, present=1)


def cause_of(command: DeviceCommand, standing: Standing) -> Cause | None:
    refusal = refusal_of(command, standing, NOW, most_devices=5, most_running=8)
    assert refusal is None or (refusal[1] and NEXT_STEP[refusal[0]])
    return refusal[0] if refusal else None


def test_a_new_device_may_join_and_an_active_one_do_everything() -> None:
    assert cause_of(JOIN, NEW) is None
    assert [cause_of(command, ACTIVE) for command in ALL] == [None] * len(ALL)


@pytest.mark.parametrize("command", ALL, ids=lambda command: type(command).__name__)
def test_what_holds_for_every_command(command: DeviceCommand) -> None:
    assert cause_of(replace(command, deadline_at=NOW), ACTIVE) is Cause.EXPIRED
    assert cause_of(command, replace(ACTIVE, assigned=False)) is Cause.UNKNOWN_METER
    assert cause_of(command, replace(ACTIVE, has_home=False)) is Cause.NO_HOME_NETWORK
    assert cause_of(command, replace(ACTIVE, running=8)) is Cause.BUSY


def test_the_device_limit_counts_those_that_are_there() -> None:
    assert cause_of(JOIN, replace(NEW, present=4)) is None
    assert cause_of(JOIN, replace(NEW, present=5)) is Cause.DEVICE_LIMIT
    assert cause_of(JOIN, replace(ACTIVE, present=5)) is None


@pytest.mark.parametrize("stage", Stage)
def test_a_device_that_is_at_another_meter_stays_there(stage: Stage) -> None:
    cause = cause_of(JOIN, replace(NEW, at=OTHER, stage=stage))
    assert cause is (None if stage in GONE else Cause.AT_ANOTHER_METER)
    for command in (REMOVE, PING, REKEY, DESCRIBE, TELL):
        assert cause_of(command, replace(NEW, at=OTHER, stage=stage)) is Cause.UNKNOWN_DEVICE


@pytest.mark.parametrize("command", [JOIN, REKEY, PING, DESCRIBE], ids=lambda command: type(command).__name__)
def test_one_command_of_a_device_runs_at_a_time(command: DeviceCommand) -> None:
    assert cause_of(command, replace(ACTIVE, busy=True)) is Cause.BUSY
    for stage in JOINING:
        assert cause_of(command, replace(ACTIVE, stage=stage, joining=True, busy=True)) is Cause.BUSY


def test_a_removal_cancels_a_join_and_nothing_else() -> None:
    assert cause_of(REMOVE, replace(ACTIVE, stage=Stage.WINDOW_OPEN, joining=True, busy=True)) is None
    assert cause_of(REMOVE, replace(ACTIVE, busy=True)) is Cause.BUSY


def test_notices_do_not_wait_for_each_other_but_for_a_join() -> None:
    assert cause_of(TELL, replace(ACTIVE, busy=True)) is None
    assert cause_of(TELL, replace(ACTIVE, stage=Stage.JOINED)) is Cause.BUSY


def test_a_device_that_is_gone_can_only_join_or_be_removed_again() -> None:
    for stage in GONE:
        gone = replace(ACTIVE, stage=stage, present=0)
        assert cause_of(JOIN, gone) is None
        assert cause_of(REMOVE, gone) is None
        assert cause_of(PING, gone) is Cause.UNKNOWN_DEVICE
        assert cause_of(TELL, gone) is Cause.UNKNOWN_DEVICE
        assert cause_of(TELL_ALL, gone) is Cause.UNKNOWN_DEVICE
