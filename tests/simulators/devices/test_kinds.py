"""Devices act as their customers would see: what they show, what they say, what their buttons do."""

from datetime import timedelta

import pytest

from gateway.dice import SeededDice
from simulators.han import wire
from simulators.zigbee.devices.display import DisplayBehaviour
from simulators.zigbee.devices.load_follower import LoadFollower, ThermostatBehaviour
from simulators.zigbee.devices.panel import MOST_ERRANDS, Errands, NoSuchButton, Panel
from simulators.zigbee.devices.prepayment import PrepaymentBehaviour
from simulators.zigbee.kinds import KINDS, ROGUES
from simulators.zigbee.octets import Malformed
from simulators.zigbee.zcl import SUCCESS, UNSUPPORTED_CLUSTER_COMMAND, Commanded, Reply
from tests.simulators.conftest import NOON, HandClock
from tests.simulators.devices.conftest import heard, said

PRICE = bytes.fromhex("01000000 04 5045414b 07000000 00000000 00 4803 42 31 00000000 3c00 b9010000")
WANTS_ACK = PRICE + bytes.fromhex("ff ffffffff ff ffffffff ff ff ff 01")
TEXT = bytes.fromhex("09000000 80 00000000 ffff 02 4869")
EVENT = bytes.fromhex("05000000 0100 00 00000000 3c00 03 14 ff 0080 0080 80 ff 00")


def test_a_display_shows_what_it_was_told_and_acknowledges_when_asked(clock: HandClock) -> None:
    device = DisplayBehaviour(clock)
    assert heard(device.price, wire.PUBLISH_PRICE, PRICE) == SUCCESS
    assert said(device.errands) == []
    heard(device.price, wire.PUBLISH_PRICE, WANTS_ACK)
    assert [(cluster, command) for cluster, command, _ in said(device.errands)] == [(0x0700, 0x02)]
    heard(device.messages, wire.DISPLAY, TEXT)
    assert device.shows(NOON) == {"price": 0.0441, "label": "PEAK", "text": "Hi", "confirmed": False}
    assert "$0.0441/kWh" in device.picture(NOON)
    heard(device.messages, wire.CANCEL_MESSAGE, TEXT[:5])
    assert device.shows(NOON)["text"] is None


def test_ok_confirms_a_text_that_wants_it_and_nothing_else(clock: HandClock) -> None:
    device = DisplayBehaviour(clock)
    with pytest.raises(NoSuchButton):
        device.press("ok", None, NOON)
    heard(device.messages, wire.DISPLAY, TEXT)
    device.press("ok", None, NOON)
    assert device.shows(NOON)["confirmed"] is True
    [(cluster, command, body)] = said(device.errands)
    assert (cluster, command, body[:4]) == (0x0703, 0x01, TEXT[:4])


def test_a_thermostat_follows_an_event_and_can_be_opted_out(clock: HandClock) -> None:
    device = ThermostatBehaviour(clock)
    heard(device.client, wire.EVENT, EVENT)
    assert device.shows(NOON)["target_c"] == 26.0
    assert device.shows(NOON)["following"] == 5
    device.press("opt_out", None, NOON)
    assert device.shows(NOON)["target_c"] == 24.0
    assert [status for _, status in device.reports] == ["received", "started", "opted_out"]
    assert [body[4] for _, _, body in said(device.errands)] == [1, 2, 4]
    with pytest.raises(NoSuchButton):
        device.press("opt_out", None, NOON)


def test_a_load_follower_tells_what_it_is_enrolled_for(clock: HandClock) -> None:
    device = LoadFollower(clock, 0x000C, group=3)
    values = {attribute: device.client.attribute(attribute) for attribute in device.client.attributes()}
    assert {attribute: value.content for attribute, value in values.items() if value} == {0: 3, 1: 30, 2: 30, 3: 12}


def test_a_terminal_is_topped_up_by_a_code_once_and_pays_from_emergency_credit_when_selected(clock: HandClock) -> None:
    device, code = PrepaymentBehaviour(clock), b"12345678901234560500"
    answer = heard(device.server, 0x04, b"\x02\x14" + code)
    assert isinstance(answer, Reply)
    assert answer.body == bytes.fromhex("00 50c30000 02 f0490200")
    again = heard(device.server, 0x04, b"\x02\x14" + code)
    assert isinstance(again, Reply)
    assert again.body[0] == 1
    device.account.use(160_000)
    assert device.account.status & 0x10
    assert device.shows(NOON)["emergency_credit"] == 5.0
    device.press("emergency", None, NOON)
    device.account.use(10_000)
    assert device.shows(NOON) == {"credit": 0.0, "emergency_credit": 4.0, "emergency_selected": True, "price": None}


@pytest.mark.parametrize("name", [*KINDS, *ROGUES])
def test_every_kind_has_a_front_and_answers_what_it_cannot_do(name: str, clock: HandClock) -> None:
    made = {**KINDS, **ROGUES}[name].make(clock)
    assert isinstance(made.behaviour, Panel)
    made.behaviour.shows(NOON)
    with pytest.raises(NoSuchButton):
        made.behaviour.press("self_destruct", None, NOON)
    rolls = SeededDice(7).stream(name)
    for endpoint in made.endpoints.values():
        for cluster in (*endpoint.clients.values(), *endpoint.servers.values()):
            if not isinstance(cluster, Commanded):
                continue
            assert heard(cluster, 0xF0, b"") == UNSUPPORTED_CLUSTER_COMMAND
            for _ in range(200):
                try:
                    heard(cluster, rolls.randrange(6), rolls.randbytes(rolls.randrange(60)))
                except Malformed:
                    continue


def test_a_rogue_joins_with_another_key_than_its_label_s() -> None:
    code = bytes.fromhex("83FED3407A939723A5C639B26916D505C3B5")
    honest = KINDS["display"].own_key(code)
    assert ROGUES["rogue_wrong_key"].own_key(code) != honest
    assert ROGUES["rogue_default_key"].own_key(code) == b"ZigBeeAlliance09"
    assert ROGUES["rogue_replay"].own_key(code) == honest


def test_a_device_that_is_not_heard_forgets_what_it_cannot_keep() -> None:
    errands = Errands()
    for _ in range(MOST_ERRANDS + 3):
        errands.add(0x0700, 0)
    assert (len(said(errands)), errands.lost) == (MOST_ERRANDS, 3)


def test_prices_hold_from_and_to_the_instants_that_they_say(clock: HandClock) -> None:
    device = DisplayBehaviour(clock)
    heard(device.price, wire.PUBLISH_PRICE, PRICE)
    assert device.shows(NOON + timedelta(hours=1))["price"] is None
