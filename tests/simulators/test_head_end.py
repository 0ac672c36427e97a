"""Every line that a head end tells a meter with its own network, and those that it refuses in words."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from simulators.control_port import tell
from simulators.head_end import HeadEndPort, obey
from simulators.meter_network import MeterNetwork, NetworkPlan
from simulators.virtual_time import VirtualClock, run

DISPLAY, THERMOSTAT = "0022A30007000000", "0022A30007000001"
NOWHERE = "0022A300070000FF"


def told(story: Callable[[MeterNetwork], Awaitable[None]], plan: NetworkPlan | None = None) -> None:
    """A story about a home on virtual time."""

    async def live() -> None:
        home = MeterNetwork(plan or NetworkPlan(devices=2), VirtualClock())
        home.start()
        try:
            await story(home)
        finally:
            await home.close()

    run(live())


def said(home: MeterNetwork, **command: Any) -> dict[str, Any]:
    return obey(home, json.dumps(command))


async def joined(home: MeterNetwork, device: str) -> None:
    """Add a device by what is printed on it, and switch it on."""
    label = said(home, device=device)["install_code"]
    answer = said(home, han="add", device=device, code=label)
    assert answer == {"ok": True, "window_s": 254, "key_s": 300.0}
    said(home, device=device, power="on")
    await home.clock.sleep(10)
    assert said(home, device=device)["stage"] == "registered"


def test_a_device_is_added_by_its_label_listed_and_removed() -> None:
    async def story(home: MeterNetwork) -> None:
        assert said(home, han="list") == {"ok": True, "window": False, "devices": []}
        await joined(home, DISPLAY)
        assert said(home, han="list")["devices"] == [
            {"device": DISPLAY, "standing": "registered", "device_id": "0x0502"}
        ]
        assert said(home, han="remove", device=DISPLAY) == {"ok": True}
        await home.clock.sleep(10)
        assert said(home, han="list")["devices"] == []
        assert said(home, device=DISPLAY)["stage"] == "left"

    told(story)


def test_a_window_is_opened_and_closed() -> None:
    async def story(home: MeterNetwork) -> None:
        said(home, han="open", seconds=60)
        assert said(home, han="list")["window"] is True
        said(home, han="close")
        assert said(home, han="list")["window"] is False

    told(story)


def test_a_price_a_text_and_an_event_are_published_and_what_devices_answer_is_shown() -> None:
    async def story(home: MeterNetwork) -> None:
        await joined(home, DISPLAY)
        await joined(home, THERMOSTAT)
        price = said(home, han="price", price=0.215, label="PEAK", minutes=60, ack=True)
        assert (price["tier"], price["from"][:19], price["until"][:19]) == (
            2, "2026-06-01T12:00:20", "2026-06-01T13:00:20",
        )  # fmt: skip
        text = said(home, han="text", text="Hi", confirm=True, importance=3)["number"]
        event = said(home, han="event", minutes=60, cooling_offset_c=2.5, duty_cycle=50)["number"]
        await home.clock.sleep(5)
        said(home, device=DISPLAY, press="ok")
        said(home, device=THERMOSTAT, press="opt_out")
        await home.clock.sleep(5)
        shown = said(home, device=DISPLAY)["shows"]
        assert (shown["price"], shown["text"], shown["confirmed"]) == (0.215, "Hi", True)
        notes = said(home, han="answers")["notes"]
        assert [(each["what"], each["device"], each["number"], each["words"]) for each in notes] == [
            ("price_acknowledged", DISPLAY, price["number"], ""),
            ("event_status", THERMOSTAT, event, "received"),
            ("event_status", THERMOSTAT, event, "started"),
            ("text_confirmed", DISPLAY, text, ""),
            ("event_status", THERMOSTAT, event, "opted_out"),
        ]
        assert said(home, han="cancel_text") == said(home, han="cancel_event", event=event) == {"ok": True}
        await home.clock.sleep(5)
        assert said(home, device=DISPLAY)["shows"]["text"] is None
        assert said(home, device=THERMOSTAT)["shows"]["following"] is None

    told(story)


def test_something_may_be_published_for_later() -> None:
    async def story(home: MeterNetwork) -> None:
        await joined(home, DISPLAY)
        said(home, han="price", price=0.5, after_minutes=10, minutes=5)
        seen = []
        for _ in range(3):
            await home.clock.sleep(360)
            seen.append(said(home, device=DISPLAY)["shows"]["price"])
        assert seen == [0.098, 0.5, 0.098]

    told(story)


def test_a_new_network_key_and_all_else_is_in_the_log_with_counts() -> None:
    async def story(home: MeterNetwork) -> None:
        await joined(home, DISPLAY)
        assert said(home, han="rotate_key") == {"ok": True}
        await home.clock.sleep(1)
        log = said(home, han="log")
        assert [each["what"] for each in log["notes"]] == [
            "window_opened", "expected", "key_sent", "joined", "window_closed", "registered", "network_key_changed",
        ]  # fmt: skip
        assert log["counts"]["registered"] == 1
        label = said(home, device=DISPLAY)["install_code"]
        assert label not in json.dumps(log)
        assert label.replace(" ", "") not in json.dumps(log)

    told(story)


def test_the_laboratory_s_own_lines_work_here_too() -> None:
    async def story(home: MeterNetwork) -> None:
        assert [each["kind"] for each in said(home, devices=True)["devices"]] == ["display", "thermostat"]
        assert said(home, air={"loss": 0.5}) == said(home, air={}) == {"ok": True}
        assert said(home, meter=home.meter.number, tamper=True) == {"ok": True}

    told(story)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ({"han": "dance"}, "not a command: give han (add, remove, list"),
        ({"meter": "1", "fault": None}, "not a command"),
        ({"han": "add", "device": "x", "code": "00"}, "EUI-64"),
        ({"han": "add", "device": DISPLAY}, "code is a text"),
        ({"han": "add", "device": DISPLAY, "code": "0000"}, "not 2 in all"),
        ({"han": "add", "device": DISPLAY, "code": "00", "window_s": 255}, "window_s is a number from 1 to 254"),
        ({"han": "remove", "device": NOWHERE}, "no device 0022A300070000FF was added"),
        ({"han": "open", "seconds": 0}, "seconds is a number from 1 to 254"),
        ({"han": "price"}, "price is a number from 0"),
        ({"han": "price", "price": 1, "label": 3}, "label is a text"),
        ({"han": "price", "price": 1, "label": "A VERY LONG LABEL"}, "11 bytes"),
        ({"han": "price", "price": 1, "ack": "yes"}, "ack is true or false"),
        ({"han": "text", "text": ""}, "1 to 200 bytes"),
        ({"han": "cancel_text"}, "no text stands"),
        ({"han": "event"}, "minutes is a number"),
        ({"han": "event", "minutes": 1441}, "1 to 1440 minutes"),
        ({"han": "cancel_event", "event": 7}, "no event 7 was published"),
    ],
)
def test_a_line_that_makes_no_sense_is_refused_in_words(line: dict[str, Any], words: str) -> None:
    async def story(home: MeterNetwork) -> None:
        assert words in obey(home, json.dumps(line))["error"]

    told(story)


async def test_the_port_is_reached_over_a_socket() -> None:
    home = MeterNetwork(NetworkPlan(), VirtualClock())
    port = HeadEndPort(home)
    try:
        number = await port.start()
        assert await asyncio.wait_for(tell(number, {"han": "list"}), 10) == {
            "ok": True, "window": False, "devices": [],
        }  # fmt: skip
    finally:
        await port.close()
        await home.close()
