"""Attribute reports of a simulated node: the table byte by byte, and on virtual time what comes and when."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.virtual_time import VirtualClock, run
from simulators.world import StreetPlan, ZigBeeStreet
from simulators.zigbee import zcl, zdo
from simulators.zigbee.air.weather import Weather
from simulators.zigbee.aps import ApsMessage
from simulators.zigbee.clusters import METERING, Fixed
from simulators.zigbee.nodes import Endpoint, Node
from simulators.zigbee.octets import Octets
from simulators.zigbee.radio import Radio
from simulators.zigbee.reporting import (
    COMPLETE,
    MOST_REPORTS,
    PENDING,
    REPORTING_STATUS,
    Client,
    ReportTable,
    packed,
    recalled,
)
from simulators.zigbee.zcl import BITMAP8, ENUM8, INT24, UINT8, UINT48, Value

SUM, RECEIVED, STATUS, UNIT, DEMAND = 0x0000, 0x0001, 0x0200, 0x0300, 0x0400
KEY = b"\x42" * 16
ENDPOINT, OURS, NWK = 9, 1, 0x1234
ROOM = 73
Scenario = Callable[["House"], Coroutine[Any, Any, None]]


class Gauge:
    """A Metering server whose values a test sets; all but the unit are reported."""

    def __init__(self, more: int = 0) -> None:
        self.values = {
            SUM: Value(UINT48, 100),
            RECEIVED: Value(UINT48, 7),
            STATUS: Value(BITMAP8, 0),
            UNIT: Value(ENUM8, 0),
            DEMAND: Value(INT24, -2),
        } | {0x0100 + place: Value(UINT48, place) for place in range(more)}
        self.renewed_s, self.looks = 1.0, 0

    def attributes(self) -> Sequence[int]:
        return sorted(self.values)

    def attribute(self, attribute: int) -> Value | None:
        return self.values.get(attribute)

    def reading(self, attributes: Sequence[int]) -> bytes | None:
        return None

    def reportable(self, attribute: int) -> bool:
        return attribute != UNIT

    def sample(self) -> bytes | None:
        self.looks += 1
        return None

    def put(self, attribute: int, number: int) -> None:
        self.values[attribute] = replace(self.values[attribute], content=number)


class House:
    """One node with a gauge on a radio, and a co-processor's ear that writes down what it says and when."""

    def __init__(self, more: int = 0) -> None:
        self.clock, self.gauge = VirtualClock(), Gauge(more)
        descriptor = zdo.Descriptor(profile=0x0109, device=0x0501, servers=(METERING,))
        self.node = Node(
            identity=zdo.Identity(eui64=0x000D6F0007000001, nwk=NWK),
            endpoints={ENDPOINT: Endpoint(descriptor=descriptor, servers={METERING: self.gauge})},
            link_key=KEY,
        )
        self.radio = Radio(self.clock, [self.node])
        self.radio.attach(self)
        self.said: list[tuple[float, ApsMessage]] = []
        self._counter = 0

    def heard(self, message: ApsMessage, node: Node) -> bool:
        self.said.append((round(self.clock.monotonic(), 3), message))
        return True

    async def ask(self, payload: str, endpoint: int = OURS) -> str:
        """The ZCL frame that answers one, both in hexadecimal."""
        self._counter += 1
        message = ApsMessage(
            source=0,
            destination=NWK,
            profile=0x0109,
            cluster=METERING,
            source_endpoint=endpoint,
            destination_endpoint=ENDPOINT,
            payload=bytes.fromhex(payload),
            sequence=self._counter,
            key=KEY,
            counter=self._counter,
        )
        before = len(self.said)
        self.radio.unicast(message, lambda delivered: None)
        [(_, answer)] = self.said[before:]
        del self.said[before:]
        return answer.payload.hex(" ")

    def reports(self) -> list[tuple[float, str]]:
        """When reports came since this was last asked, and their records."""
        told = [(at, message.payload) for at, message in self.said]
        self.said.clear()
        assert all(payload[0] == 0x18 and payload[2] == zcl.REPORT for _, payload in told)
        return [(at, payload[3:].hex(" ")) for at, payload in told]


def at_home(scenario: Scenario, more: int = 0) -> None:
    """Run a scenario in virtual time."""

    async def main() -> None:
        house = House(more)
        await scenario(house)
        await house.radio.reporters.close()

    run(main())


def record(attribute: str, kind: str, least: str, most: str, change: str = "") -> str:
    return f"00 {attribute} {kind} {least} {most} {change}"


SUM_EVERY_30 = record("0000", "25", "1e00", "1e00", "010000000000")


@pytest.mark.parametrize(
    ("request_", "response"),
    [
        (SUM_EVERY_30, "00"),
        (record("0002", "18", "0100", "0a00"), "00"),
        (record("0004", "2a", "0100", "0a00", "ffffff"), "00"),
        (SUM_EVERY_30 + record("0002", "18", "0000", "0000"), "00"),
        (record("0000", "22", "1e00", "1e00", "010000"), "8d 00 00 00"),
        (record("9909", "20", "1e00", "1e00", "01"), "86 00 99 09"),
        (record("0003", "30", "1e00", "1e00"), "8c 00 00 03"),
        (record("0000", "25", "1f00", "1e00", "010000000000"), "87 00 00 00"),
        (record("0000", "25", "ffff", "1e00", "010000000000"), "87 00 00 00"),
        (SUM_EVERY_30 + record("0003", "30", "1e00", "1e00"), "8c 00 00 03"),
        (record("0003", "30", "1e00", "1e00") + record("9909", "30", "1e00", "1e00"), "8c 00 00 03 86 00 99 09"),
        ("01 0000 3c00", "86 01 00 00"),
    ],
)
def test_a_configuration_is_answered_by_one_byte_or_by_what_failed(request_: str, response: str) -> None:
    async def scenario(house: House) -> None:
        assert await house.ask(f"10 07 06 {request_}") == f"18 07 07 {response}"

    at_home(scenario)


@pytest.mark.parametrize("request_", ["", "00 0000", "00 0000 25 1e00", "02 0000 3c00", "00 0000 77 1e00 1e00"])
def test_a_configuration_that_ends_too_early_or_means_nothing_is_malformed(request_: str) -> None:
    async def scenario(house: House) -> None:
        assert await house.ask(f"00 07 06 {request_}") == "18 07 0b 06 80"
        assert not (house.node.reports and house.node.reports.reports)

    at_home(scenario)


def test_what_is_configured_can_be_read_back() -> None:
    async def scenario(house: House) -> None:
        await house.ask("10 01 06" + SUM_EVERY_30 + record("0002", "18", "0100", "0a00"))
        assert await house.ask("10 02 08 00 0000 00 0002 00 0004 00 0003 00 9909 01 0000") == (
            "18 02 09 00 00 00 00 25 1e 00 1e 00 01 00 00 00 00 00 00 00 00 02 18 01 00 0a 00"
            " 8b 00 00 04 8c 00 00 03 86 00 99 09 86 01 00 00"
        )

    at_home(scenario)


def test_the_table_is_full_at_some_point_and_what_is_in_it_can_still_be_changed() -> None:
    async def scenario(house: House) -> None:
        for place in range(MOST_REPORTS):
            wish = record(f"{place:02x}01", "25", "1e00", "3c00", "010000000000")
            assert await house.ask(f"10 01 06 {wish}") == "18 01 07 00"
        assert await house.ask(f"10 02 06 {SUM_EVERY_30}") == "18 02 07 89 00 00 00"
        again = record("0001", "25", "0100", "0200", "010000000000")
        assert await house.ask(f"10 03 06 {again}") == "18 03 07 00"
        assert await house.ask(f"10 04 06 {record('0001', '25', '0000', 'ffff', '010000000000')}") == "18 04 07 00"
        assert await house.ask(f"10 05 06 {SUM_EVERY_30}") == "18 05 07 00"

    at_home(scenario, more=MOST_REPORTS)


def test_other_servers_report_nothing_and_without_a_table_the_command_is_unknown() -> None:
    server, wish = Fixed({0x0000: Value(UINT8, 3)}), bytes.fromhex("10 07 06 00 0000 20 0100 0200 01")
    desk = Client(ReportTable(), 1, 0x0000, (0, 1))
    answer, unknown = zcl.serve(server, wish, ROOM, reports=desk), zcl.serve(server, wish, ROOM)
    assert answer is not None
    assert unknown is not None
    assert answer.hex(" ") == "18 07 07 8c 00 00 00"
    assert unknown.hex(" ") == "18 07 0b 06 82"


def test_an_interval_of_its_own_is_kept_to_the_second_and_costs_no_look_in_between() -> None:
    async def scenario(house: House) -> None:
        await house.ask("10 01 06" + SUM_EVERY_30 + record("0004", "2a", "1e00", "1e00", "010000"))
        await asyncio.sleep(95)
        both = "00 00 25 64 00 00 00 00 00 00 04 2a fe ff ff"
        assert house.reports() == [(30, both), (60, both), (90, both)]
        assert house.gauge.looks == 3

    at_home(scenario)


def test_a_change_is_told_no_sooner_than_the_least_and_only_if_it_is_large_enough() -> None:
    async def scenario(house: House) -> None:
        await house.ask("10 01 06" + record("0000", "25", "0a00", "6400", "050000000000"))
        await asyncio.sleep(1)
        house.gauge.put(SUM, 104)
        await asyncio.sleep(30.5)
        assert house.reports() == []
        house.gauge.put(SUM, 105)
        await asyncio.sleep(1.5)
        house.gauge.put(SUM, 110)
        await asyncio.sleep(20)
        assert [(at, told[9:11]) for at, told in house.reports()] == [(32, "69"), (42, "6e")]
        await asyncio.sleep(105)
        assert [(at, told[9:11]) for at, told in house.reports()] == [(142, "6e")]

    at_home(scenario)


def test_without_a_most_only_changes_are_told_and_of_bits_every_one() -> None:
    async def scenario(house: House) -> None:
        await house.ask("10 01 06" + record("0002", "18", "0000", "0000"))
        await asyncio.sleep(100_000)
        assert house.reports() == []
        house.gauge.put(STATUS, 4)
        await asyncio.sleep(5)
        assert [told for _, told in house.reports()] == ["00 02 18 04"]

    at_home(scenario)


@pytest.mark.parametrize(("least", "most"), [("0000", "ffff"), ("ffff", "0000")])
def test_reports_stop_when_they_are_told_to(least: str, most: str) -> None:
    async def scenario(house: House) -> None:
        await house.ask("10 01 06" + SUM_EVERY_30)
        await asyncio.sleep(31)
        assert len(house.reports()) == 1
        assert await house.ask("10 02 06" + record("0000", "25", least, most, "010000000000")) == "18 02 07 00"
        await asyncio.sleep(300)
        assert house.reports() == []
        assert len(house.radio.reporters) == 0
        assert await house.ask("10 03 08 00 0000") == "18 03 09 8b 00 00 00"

    at_home(scenario)


def test_reports_are_encrypted_go_to_who_asked_for_them_and_have_numbers_of_their_own() -> None:
    async def scenario(house: House) -> None:
        await house.ask("10 01 06" + SUM_EVERY_30, endpoint=5)
        await house.ask("10 01 06" + record("0002", "18", "1e00", "1e00"), endpoint=6)
        await asyncio.sleep(61)
        told = [message for _, message in house.said]
        assert [(each.source_endpoint, each.destination_endpoint) for each in told] == [(9, 5), (9, 6)] * 2
        assert all(
            (each.key, each.profile, each.cluster, each.destination) == (KEY, 0x0109, 0x0702, 0) for each in told
        )
        assert len({each.counter for each in told}) == len({each.payload[1] for each in told}) == 4

    at_home(scenario)


def test_a_node_that_leaves_for_good_reports_no_more_and_one_that_comes_back_does() -> None:
    async def scenario(house: House) -> None:
        await house.ask("10 01 06" + SUM_EVERY_30)
        house.radio.depart(house.node, comes_back=True)
        await asyncio.sleep(45)
        assert house.reports() == []
        house.radio.settle(house.node, NWK)
        await asyncio.sleep(30)
        assert [at for at, _ in house.reports()] == [60]
        house.radio.depart(house.node)
        assert (house.node.reports, len(house.radio.reporters)) == (None, 0)
        await asyncio.sleep(300)
        assert house.reports() == []

    at_home(scenario)


def test_what_the_air_loses_is_followed_by_the_next() -> None:
    async def scenario(house: House) -> None:
        await house.ask("10 01 06" + SUM_EVERY_30)
        house.radio.sky.weather = Weather(loss=1.0)
        await asyncio.sleep(45)
        assert house.reports() == []
        house.radio.sky.weather = Weather()
        await asyncio.sleep(60)
        assert [at for at, _ in house.reports()] == [60, 90]

    at_home(scenario)


def test_a_street_without_reports_has_no_task_and_one_meter_that_reports_has_one() -> None:
    async def scenario() -> None:
        street_ = ZigBeeStreet(StreetPlan(meters=500), VirtualClock())
        assert len(street_.radio.reporters) == 0
        assert all(node.reports is None for node in street_.radio.members())
        before = len(asyncio.all_tasks())
        node = street_.radio.members()[0]
        rows = [[next(iter(node.endpoints)), METERING, SUM, UINT48, 30, 30, 1, 0, 1]]
        node.reports = recalled(rows)
        street_.radio.reporters.attend(node)
        assert len(asyncio.all_tasks()) - before == len(street_.radio.reporters) == 1
        assert node.reports is not None
        assert node.reports.remembered() == rows
        await street_.radio.reporters.close()

    run(scenario())


def test_a_meter_with_a_life_reports_on_after_it_was_without_power(tmp_path: Path) -> None:
    async def scenario() -> None:
        plan = StreetPlan(meters=2, state=tmp_path / "radio.json")
        before, after = ZigBeeStreet(plan, VirtualClock()), ZigBeeStreet(plan, VirtualClock())
        node = before.radio.members()[0]
        before.homes.woken(node.eui64)
        node.reports = recalled([[next(iter(node.endpoints)), METERING, SUM, UINT48, 30, 60, 1, 0, 1]])
        await before.homes.close()
        assert node.reports is not None
        after.homes.start()
        again = after.radio.named(node.eui64)
        assert again is not None
        assert again.reports is not None
        assert again.reports.remembered() == node.reports.remembered()
        assert len(after.radio.reporters) == 1
        await after.radio.reporters.close()
        await after.homes.close()

    run(scenario())


def test_a_meter_reports_registers_of_one_instant_and_no_nameplate() -> None:
    async def scenario() -> None:
        street_ = ZigBeeStreet(StreetPlan(meters=1), VirtualClock())
        [node], [sim] = street_.radio.members(), street_.meters.values()
        server = next(iter(node.endpoints.values())).servers[METERING]
        assert isinstance(server, zcl.Reportable)
        can = {each for each in server.attributes() if server.reportable(each)}
        assert {SUM, STATUS, DEMAND, 0x0007, 0x0100} <= can
        assert can.isdisjoint({UNIT, 0x0301, 0x0302, 0x0306, 0x0308, 0x0500, REPORTING_STATUS})
        assert server.attribute(REPORTING_STATUS) == Value(ENUM8, COMPLETE)
        for _ in range(3):
            await asyncio.sleep(100)
            assert server.sample() is None
            assert server.attribute(SUM) == Value(UINT48, sim.model.shown(sim.registers().delivered_wh))
        assert sim.reads == 0

    run(scenario())


def test_what_has_no_room_travels_in_another_frame_and_the_last_says_that_it_is() -> None:
    values = [(place, Value(UINT48, place)) for place in range(MOST_REPORTS)]
    assert packed(values[:7], ROOM) == [
        b"".join(bytes((place, 0, UINT48, place, 0, 0, 0, 0, 0)) for place in range(7)),
    ]
    first, last = packed(values, ROOM)
    assert max(len(first), len(last)) + 3 <= ROOM
    assert (first[-4:], last[-4:]) == (bytes((0xFE, 0xFF, ENUM8, PENDING)), bytes((0xFE, 0xFF, ENUM8, COMPLETE)))
    assert first[:-4] + last[:-4] == b"".join(packed([value], ROOM)[0] for value in values)


@given(st.binary(max_size=80), st.sampled_from([zcl.CONFIGURE_REPORTING, zcl.READ_REPORTING]))
def test_any_bytes_about_reports_are_answered_within_the_room(body: bytes, command: int) -> None:
    desk = Client(ReportTable(), ENDPOINT, METERING, (0, OURS))
    answer = zcl.serve(Gauge(), bytes((0x00, 7, command)) + body, ROOM, reports=desk)
    assert answer is not None
    assert len(answer) <= 3 + 4 * 20
    assert len(desk.table.reports) <= MOST_REPORTS
    assert Octets(answer).take(1) == b"\x18"
