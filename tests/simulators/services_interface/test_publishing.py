"""What devices learn of the meter, what it learns of them, and that both agree with the meter itself."""

from datetime import UTC, datetime, timedelta

import pytest

from gateway.clock import CENTRAL
from simulators.faults import Fault, FaultKind
from simulators.han import wire
from simulators.han.wire import LoadEvent, Message, PublishedPrice
from simulators.zigbee import zcl
from simulators.zigbee.air.weather import CLEAR
from simulators.zigbee.clusters import METERING, TIME
from simulators.zigbee.octets import Octets
from simulators.zigbee.services_interface.interface import TRIES, TRY_AGAIN_S
from simulators.zigbee.services_interface.log import ANSWERS, What
from simulators.zigbee.services_interface.programme import BadProgramme

from .home import Home, lived

GET_PROFILE, NOT_FOUND = 0x00, 0x8B
LONG = "A text of more than fifty-seven bytes goes in blocks, and arrives as one all the same."


def price(home: Home, cents: int = 1234, minutes: int | None = None, *, wants_ack: bool = True) -> PublishedPrice:
    now = home.world.meter.now()
    given = home.programme.give_price(
        now, price=cents, label="EVENING", starts_at=now, minutes=minutes, wants_ack=wants_ack
    )
    home.interface.publish_price(given)
    return given


def text(home: Home, words: str) -> Message:
    given = home.programme.give_text(
        home.world.meter.now(), text=words, importance=2, minutes=60, wants_confirmation=True
    )
    home.interface.publish_text(given)
    return given


def event(home: Home, *, after_min: int = 0, classes: int = 1) -> LoadEvent:
    now = home.world.meter.now()
    given = home.programme.give_event(
        now,
        LoadEvent(
            event=0, classes=classes, group=0, starts_at=now + timedelta(minutes=after_min), minutes=60, criticality=2,
            cooling_offset=20, heating_offset=None, cooling_point=None, heating_point=None, average_load=None,
            duty_cycle=50, random_start=False, random_end=False,
        ),
    )  # fmt: skip
    home.interface.publish_event(given)
    return given


def answers(home: Home, kind: str) -> list[tuple[What, int | None, str]]:
    """What the meter noted of a device's answers."""
    notes = home.interface.log.of(home.eui64(kind))
    return [(note.what, note.number, note.words) for note in notes if note.what in ANSWERS]


def test_a_display_shows_the_meter_s_price_its_registers_and_its_text_without_being_changed() -> None:
    async def story(home: Home) -> None:
        await home.register("display")
        text(home, LONG)
        await home.clock.sleep(20)
        shown, meter = home.shows("display"), home.world.meter
        assert (shown["price"], shown["label"], shown["text"]) == (0.098, "OFF PEAK", LONG)
        before_wh = meter.load.delivered_wh(home.clock.now() - timedelta(seconds=31))
        assert before_wh <= shown["delivered_wh"] <= meter.registers().delivered_wh
        face = home.device("display").behaviour.picture(home.clock.now())  # type: ignore[attr-defined]  # it has a face
        words = ("$0.0980/kWh", f"{shown['demand_w'] / 1000:.2f} kW", f"{shown['delivered_wh'] / 1000:,.1f} kWh")
        assert [each for each in words if each not in face] == []

    lived(story)


def test_a_display_follows_the_meter_s_tariff_from_tier_to_tier() -> None:
    async def story(home: Home) -> list[tuple[int, float]]:
        await home.register("display")
        seen = []
        for _ in range(96):
            await home.clock.sleep(900)
            local = home.clock.now().astimezone(CENTRAL)
            seen.append((local.hour, home.shows("display")["price"]))
        assert home.noted("display").count(What.DELIVERED) == 2
        return seen

    for hour, shown in lived(story):  # the clock starts on a Monday
        assert shown == (0.215 if 13 <= hour < 19 else 0.098)


def test_a_price_of_the_head_end_s_is_shown_acknowledged_and_gives_way_to_the_tariff_when_it_ends() -> None:
    async def story(home: Home) -> None:
        await home.register("display")
        given = price(home, minutes=30)
        await home.clock.sleep(1)
        assert (home.shows("display")["price"], home.shows("display")["label"]) == (0.1234, "EVENING")
        assert answers(home, "display") == [(What.PRICE_ACKNOWLEDGED, given.event, "")]
        await home.clock.sleep(1800)
        assert home.shows("display")["price"] == 0.098
        assert home.noted("display").count(What.DELIVERED) == 2

    lived(story)


def test_prices_are_asked_for_now_and_to_come() -> None:
    async def story(home: Home) -> None:
        await home.register("display")
        given = price(home, minutes=30, wants_ack=False)
        now = home.clock.now()
        command, body = await home.ask("display", wire.PRICE, wire.GET_CURRENT_PRICE, b"\x01")
        assert command == wire.PUBLISH_PRICE
        assert wire.published_price(Octets(body), now).price == given.price
        before = len(home.witness.told)
        await home.ask("display", wire.PRICE, wire.GET_SCHEDULED_PRICES, wire.from_start(0, 3))
        await home.clock.sleep(1)
        told = [each.payload for each in home.witness.told[before:] if each.cluster == wire.PRICE]
        prices = [wire.published_price(Octets(payload[3:]), now) for payload in told]
        assert [(each.label, each.price) for each in prices] == [("EVENING", 1234), ("OFF PEAK", 980), ("PEAK", 2150)]
        assert len({payload[1] for payload in told}) == 1

    lived(story)


def test_what_there_is_none_of_is_said_not_to_be_there() -> None:
    async def story(home: Home) -> None:
        await home.register("display")
        for cluster, command, body in (
            (wire.PRICE, wire.GET_CURRENT_PRICE, b"\x00"),
            (wire.PRICE, wire.GET_SCHEDULED_PRICES, wire.from_start(0, 0)),
            (wire.MESSAGING, wire.GET_LAST_MESSAGE, b""),
            (wire.LOAD_CONTROL, wire.GET_SCHEDULED_EVENTS, wire.from_start(0, 0)),
        ):
            answer = await home.ask("display", cluster, command, body)
            assert answer == (zcl.DEFAULT_RESPONSE, bytes((command, NOT_FOUND)))
        for cluster in (wire.PRICE, wire.MESSAGING, wire.LOAD_CONTROL):
            answer = await home.ask("display", cluster, 0x3F)
            assert answer == (zcl.DEFAULT_RESPONSE, bytes((0x3F, zcl.UNSUPPORTED_CLUSTER_COMMAND)))
        assert home.shows("display")["price"] is None

    lived(story, tariff=None)


def test_a_text_is_confirmed_by_the_customer_and_taken_back_by_the_head_end() -> None:
    async def story(home: Home) -> None:
        device = await home.register("display")
        given = text(home, "Storm at 6 pm")
        await home.clock.sleep(1)
        device.behaviour.press("ok", None, home.clock.now())  # type: ignore[attr-defined]  # a display has a front
        await home.clock.sleep(1)
        assert answers(home, "display") == [(What.TEXT_CONFIRMED, given.message, "")]
        home.interface.cancel_text()
        await home.clock.sleep(1)
        assert home.shows("display")["text"] is None
        with pytest.raises(BadProgramme):
            home.interface.cancel_text()

    lived(story)


def test_a_display_that_comes_later_asks_for_the_text_that_stands() -> None:
    async def story(home: Home) -> None:
        text(home, "Hi")
        await home.register("display")
        assert home.shows("display")["text"] == "Hi"

    lived(story)


def test_a_thermostat_follows_an_event_is_opted_out_and_in_and_all_is_recorded() -> None:
    async def story(home: Home) -> None:
        device = await home.register("thermostat")
        given = event(home, after_min=10)
        await home.clock.sleep(601)
        assert (home.shows("thermostat")["following"], home.shows("thermostat")["target_c"]) == (given.event, 26.0)
        for button in ("opt_out", "opt_in"):
            device.behaviour.press(button, None if button == "opt_out" else given.event, home.clock.now())  # type: ignore[attr-defined]  # it has buttons
            await home.clock.sleep(60)
        await home.clock.sleep(3600)
        assert home.shows("thermostat")["target_c"] == 24.0
        assert [words for _, _, words in answers(home, "thermostat")] == [
            "received", "started", "opted_out", "opted_in", "partly_opted_in",
        ]  # fmt: skip
        assert {number for _, number, _ in answers(home, "thermostat")} == {given.event}

    lived(story)


def test_an_event_is_cancelled_at_once() -> None:
    async def story(home: Home) -> None:
        await home.register("thermostat")
        given = event(home)
        await home.clock.sleep(60)
        home.interface.cancel_event(given.event)
        await home.clock.sleep(1)
        assert home.shows("thermostat")["following"] is None
        assert [words for _, _, words in answers(home, "thermostat")] == ["received", "started", "cancelled"]

    lived(story)


def test_a_thermostat_that_comes_later_asks_for_the_event_that_runs() -> None:
    async def story(home: Home) -> None:
        given = event(home)
        await home.clock.sleep(600)
        await home.register("thermostat")
        assert home.shows("thermostat")["following"] == given.event

    lived(story)


def test_each_thing_is_published_to_those_that_are_clients_of_its_cluster() -> None:
    async def story(home: Home) -> None:
        for kind in ("display", "thermostat", "submeter"):
            await home.register(kind)
        price(home), text(home, "Hi"), event(home)
        await home.clock.sleep(1)
        delivered = {kind: home.noted(kind).count(What.DELIVERED) for kind in ("display", "thermostat", "submeter")}
        assert delivered == {"display": 2, "thermostat": 1, "submeter": 0}

    lived(story)


@pytest.mark.parametrize("back", [True, False])
def test_what_is_not_acknowledged_is_said_again_a_few_times_and_then_noted(back: bool) -> None:
    async def story(home: Home) -> None:
        device = await home.register("display")
        home.world.radio.sky.weather = CLEAR.partitioned([device.node.eui64])
        given = text(home, "Hi")
        await home.clock.sleep(TRY_AGAIN_S / 2)
        if back:
            home.world.radio.sky.weather = CLEAR
        await home.clock.sleep(TRIES * (TRY_AGAIN_S + 10))
        notes = [note for note in home.interface.log.of(device.node.eui64) if note.number == given.message]
        assert [note.what for note in notes] == [What.DELIVERED if back else What.NOT_DELIVERED]
        assert home.shows("display")["text"] == ("Hi" if back else None)

    lived(story)


def test_the_meter_s_registers_are_read_over_both_of_its_endpoints() -> None:
    async def story(home: Home) -> None:
        await home.register("display")
        meter = home.world.meter
        read = await home.read("display", METERING, 0x0000, 0x0100, 0x0102, 0x0300, 0x0308)
        assert read[0x0000] == meter.model.shown(meter.registers().delivered_wh)
        assert isinstance(read[0x0100], int)
        assert isinstance(read[0x0102], int)
        assert read[0x0308] == meter.number.encode()
        for endpoint in (1, 2):
            answer = await home.sends(
                "display", METERING, bytes.fromhex("00 09 00 0803"), encrypted=True, endpoint=endpoint
            )
            assert answer[8:] == meter.number.encode()

    lived(story)


def test_the_load_profile_agrees_with_the_meter_s_own_intervals() -> None:
    async def story(home: Home) -> None:
        await home.register("display")
        command, body = await home.ask("display", METERING, GET_PROFILE, bytes((0, 0, 0, 0, 0, 4)))
        assert (command, body[4:7]) == (0x00, bytes((0, 3, 4)))
        meter, end = home.world.meter, datetime(2000, 1, 1, tzinfo=UTC)
        end += timedelta(seconds=int.from_bytes(body[:4], "little"))
        counts = [int.from_bytes(body[at : at + 3], "little") for at in range(7, 19, 3)]
        starts = [end - timedelta(minutes=15 * place) for place in range(1, 5)]
        assert counts == [meter.model.shown(meter.interval_wh(start)[0]) for start in starts]

    lived(story)


def test_time_is_the_meter_s_own_with_the_rules_of_central_time() -> None:
    async def story(home: Home) -> None:
        await home.register("display")
        home.world.meter.set_clock(home.clock.now() + timedelta(seconds=90))
        read = await home.read("display", TIME, *range(8))
        now = wire.utc(home.world.meter.now())
        assert read == {
            0: now, 1: 5, 2: -21600, 3: wire.utc(datetime(2026, 3, 8, 8, tzinfo=UTC)),
            4: wire.utc(datetime(2026, 11, 1, 7, tzinfo=UTC)), 5: 3600, 6: now - 21600, 7: now - 18000,
        }  # fmt: skip

    lived(story)


def test_a_slow_meter_answers_late_and_all_the_same() -> None:
    async def story(home: Home) -> None:
        await home.register("display")
        home.world.meter.fault = Fault(kind=FaultKind.SLOW, seconds=3)
        before_s = home.clock.monotonic()
        assert (await home.read("display", METERING, 0x0000))[0x0000]
        assert home.clock.monotonic() - before_s == pytest.approx(3.0)

    lived(story)
