"""Home area devices and assignments over the JSON API: for the meter's TDSP, and for nobody else."""

import asyncio
from dataclasses import replace
from typing import Any

import httpx
import pytest

from gateway.han.messages import JoinDevice, SendNotice
from gateway.han.notices import Criticality, DeviceClass, LoadControl, Text
from gateway.han.sealing import Place, unseal
from gateway.han.words import Stage
from gateway.messages import AssignMeter, Command, CommandEnded, OutcomeStatus, WithdrawMeter
from gateway.ports import Delivery
from portal.context import Portal
from tests.clock import HandClock
from tests.gateway.homes import CODE, DEVICE, SEALING
from tests.portal.conftest import SignIn
from tests.portal.test_device_listener import Voice, born
from tests.portal.wire import WireBus
from tests.portal.world import GATEWAY, esi

LABEL = "83FE D340 7A93 9723 A5C6 39B2 6916 D505 C3B5"
MAC = str(DEVICE)
HERE = f"/meters/{esi(1)}"


@pytest.fixture
async def wires(signed_in: SignIn, portal: Portal) -> httpx.AsyncClient:
    """The meter's TDSP, whose gateway has told its key."""
    await born(portal)
    return await signed_in("wires.admin")


@pytest.fixture
def voice(clock: HandClock) -> Voice:
    return Voice(clock)


async def sent(bus: WireBus) -> Command:
    """The next command that is published."""
    async with asyncio.timeout(10):
        while True:
            _, message = await bus.published.get()
            if isinstance(message, Command):
                return message


async def accepted(answer: httpx.Response) -> str:
    """The place of the command that was given."""
    assert answer.status_code == 202, answer.text
    place = answer.headers["location"]
    assert place == f"/api/v1/commands/{answer.json()['id']}"
    return str(place).removeprefix("/api/v1")


def test_the_label_is_the_code_of_these_tests() -> None:
    assert CODE.reveal() == bytes.fromhex(LABEL)


async def test_a_join_is_sealed_sent_followed_and_over(
    wires: httpx.AsyncClient, bus: WireBus, portal: Portal, voice: Voice
) -> None:
    asked = await wires.post(f"{HERE}/joins", json={"device": MAC, "install_code": LABEL, "window_s": 60})
    place = await accepted(asked)
    assert LABEL not in asked.text
    message = await sent(bus)
    assert isinstance(message, JoinDevice)
    at = Place(gateway=GATEWAY, device=DEVICE, request=message.id)
    assert unseal(message.sealed_code, SEALING, at) == CODE
    version = (await wires.get(place)).json()["version"]
    waiting = asyncio.create_task(wires.get(place, params={"wait": 20, "since": version}))
    await portal.desk.handle([voice.changed(Stage.REQUESTED, message.id)])
    assert (await waiting).json()["version"] > version
    assert [entry["stage"] for entry in (await wires.get(place)).json()["timeline"]] == ["requested"]
    await portal.desk.handle([voice.changed(Stage.ACTIVE, message.id), voice.ended(message.id)])
    command = (await wires.get(place)).json()
    assert (command["status"], command["kind"], command["device"]) == ("done", "join", MAC)
    [listed] = (await wires.get(f"{HERE}/devices")).json()
    shown = (await wires.get(f"{HERE}/devices/{MAC}")).json()
    assert (listed["stage"], listed["timeline"]) == ("active", [])
    assert [entry["stage"] for entry in shown["timeline"]] == ["requested", "active"]
    assert shown["info"]["manufacturer"] == "Acme"
    changed = asyncio.create_task(wires.get(f"{HERE}/devices/{MAC}", params={"wait": 20, "since": 2}))
    await portal.desk.handle([voice.reported()])
    assert (await changed).json()["version"] == 3
    [given] = (await wires.get(f"{HERE}/commands")).json()
    assert given["id"] == command["id"]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (LABEL[:-1] + "6", "checksum does not match"),
        (LABEL[:-5], "not 32 (its last 4 digits, the checksum, may be missing)"),
        ("83FE D34O", "character 9 is neither"),
    ],
)
async def test_a_mistyped_install_code_is_refused_in_words_without_its_digits(
    wires: httpx.AsyncClient, code: str, words: str
) -> None:
    answer = await wires.post(f"{HERE}/joins", json={"device": MAC, "install_code": code})
    assert answer.status_code == 422
    problem = answer.json()
    assert problem["type"] == "urn:metergate:problem:bad-install-code"
    assert words in problem["detail"]
    assert "83FE" not in answer.text


@pytest.mark.parametrize(
    "change",
    [{"device": MAC.lower()}, {"device": "12"}, {"window_s": 0}, {"window_s": 255}, {"colour": 1}, {"install_code": 7}],
)
async def test_a_join_of_the_wrong_form_is_refused(wires: httpx.AsyncClient, change: dict[str, object]) -> None:
    answer = await wires.post(f"{HERE}/joins", json={"device": MAC, "install_code": LABEL, **change})
    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:metergate:problem:bad-request"
    assert LABEL not in answer.text


async def test_a_second_join_of_the_same_device_waits_its_turn(wires: httpx.AsyncClient) -> None:
    join = {"device": MAC, "install_code": LABEL}
    await accepted(await wires.post(f"{HERE}/joins", json=join))
    for place in (HERE, f"/meters/{esi(2)}"):
        again = await wires.post(f"{place}/joins", json=join)
        assert (again.status_code, again.json()["type"]) == (409, "urn:metergate:problem:joining")


@pytest.mark.parametrize("action", ["remove", "rekey", "ping", "describe"])
async def test_a_device_is_asked_something(
    wires: httpx.AsyncClient, bus: WireBus, portal: Portal, voice: Voice, action: str
) -> None:
    assert (await wires.post(f"{HERE}/devices/{MAC}/{action}")).status_code == 404
    await portal.desk.handle([voice.changed(Stage.REQUESTED)])
    place = await accepted(await wires.post(f"{HERE}/devices/{MAC}/{action}"))
    message = await sent(bus)
    assert type(message).__name__.lower() == f"{action}device"
    ended = voice.ended(message.id)
    assert isinstance(ended.message, CommandEnded)
    await portal.desk.handle([Delivery(gateway=GATEWAY, message=replace(ended.message, round_trip_ms=12))])
    command = (await wires.get(place)).json()
    assert (command["kind"], command["status"], command["round_trip_ms"]) == (action, "done", 12)


async def test_notices_are_numbered_and_sent_as_they_were_given(
    wires: httpx.AsyncClient, bus: WireBus, clock: HandClock
) -> None:
    text = await wires.post(f"{HERE}/texts", json={"text": "Conserve", "confirm": True, "duration_min": 60})
    await accepted(text)
    first = await sent(bus)
    assert isinstance(first, SendNotice)
    event = text.json()["event"]
    assert event == int(clock.now().timestamp())
    assert (first.device, first.notice) == (None, Text(event=event, text="Conserve", confirm=True, duration_min=60))
    less = {"classes": ["hvac"], "duration_min": 30, "criticality": "level_2", "cooling_offset": 20}
    await accepted(await wires.post(f"{HERE}/load-controls", json=less))
    second = await sent(bus)
    assert isinstance(second, SendNotice)
    assert second.notice == LoadControl(
        event=event + 1, classes=(DeviceClass.HVAC,), duration_min=30, criticality=Criticality.LEVEL_2,
        cooling_offset=20,
    )  # fmt: skip
    await accepted(await wires.post(f"{HERE}/prices", json={"price": 1234, "digits": 4, "label": "PEAK"}))
    for what, kind in (("text", "cancel_text"), ("load_control", "cancel_load_control")):
        place = await accepted(await wires.post(f"{HERE}/cancels", json={"what": what, "event": event}))
        assert (await wires.get(place)).json()["kind"] == kind
    place = await accepted(await wires.post(f"{HERE}/cancels", json={"what": "load_control"}))
    assert (await wires.get(place)).json()["kind"] == "cancel_all_load_control"


@pytest.mark.parametrize(
    ("path", "body", "where"),
    [
        ("texts", {"text": ""}, "body.text"),
        ("texts", {"text": "x" * 256}, "body.text"),
        ("texts", {"text": "Hi", "starts_at": "2026-07-01T15:00:00"}, "body.starts_at"),
        ("prices", {"price": -1}, "body.price"),
        ("prices", {"price": 1, "label": "thirteen char"}, "body.label"),
        ("load-controls", {"classes": [], "duration_min": 1, "criticality": "green"}, "body.classes"),
        ("load-controls", {"classes": ["hvac"], "duration_min": 1441, "criticality": "green"}, "body.duration_min"),
        ("cancels", {"what": "text"}, "body.event"),
        ("cancels", {"what": "price", "event": 1}, "body.what"),
    ],
)
async def test_a_notice_that_devices_could_not_take_is_refused_with_its_place(
    wires: httpx.AsyncClient, path: str, body: dict[str, Any], where: str
) -> None:
    answer = await wires.post(f"{HERE}/{path}", json=body)
    assert answer.status_code == 422
    assert [fault["where"] for fault in answer.json()["faults"]] == [where]


async def test_what_devices_said_is_listed_newest_first(wires: httpx.AsyncClient, portal: Portal, voice: Voice) -> None:
    await portal.desk.handle([voice.reported(), voice.reported()])
    newest, oldest = (await wires.get(f"{HERE}/device-reports")).json()
    assert newest["id"] > oldest["id"]
    assert (newest["answer"], newest["event"], newest["device"]) == ("opted_out", 7, MAC)
    assert (await wires.get(f"{HERE}/device-reports", params={"before": newest["id"]})).json() == [oldest]
    assert (await wires.get(f"{HERE}/device-reports", params={"before": 2**31})).status_code == 422


async def test_a_meter_moves_from_one_gateway_to_another(
    wires: httpx.AsyncClient, bus: WireBus, portal: Portal, voice: Voice
) -> None:
    served = (await wires.get(f"{HERE}/assignment")).json()
    assert (served["step"], served["gateway"]) == ("served", GATEWAY)
    place = await accepted(await wires.delete(f"{HERE}/assignment"))
    message = await sent(bus)
    assert isinstance(message, WithdrawMeter)
    assert (await wires.get(f"{HERE}/assignment")).json()["step"] == "withdrawing"
    assert (await wires.post(f"{HERE}/reads")).status_code == 409
    moving = await wires.delete(f"{HERE}/assignment")
    assert (moving.status_code, moving.json()["type"]) == (409, "urn:metergate:problem:moving")
    ended = voice.ended(message.id, device=None)
    waiting = asyncio.create_task(wires.get(f"{HERE}/assignment", params={"wait": 20, "since": "withdrawing"}))
    await portal.desk.handle([ended])
    assert (await waiting).json()["step"] == "unserved"
    assert (await wires.get(place)).json()["status"] == "done"
    body = {"gateway": GATEWAY, "driver": "zigbee", "address": MAC, "install_code": LABEL}
    await accepted(await wires.post(f"{HERE}/assignment", json=body))
    assign = await sent(bus)
    assert isinstance(assign, AssignMeter)
    assert assign.sealed_code is not None
    assert unseal(assign.sealed_code, SEALING, Place(gateway=GATEWAY, device=DEVICE, request=assign.id)) == CODE
    failed = voice.ended(assign.id, OutcomeStatus.FAILED, device=None)
    await portal.desk.handle([failed])
    assert (await wires.get(f"{HERE}/assignment")).json()["step"] == "unserved"


async def test_a_meter_goes_to_a_gateway_of_its_own_tdsp_only(wires: httpx.AsyncClient) -> None:
    for gateway in ("gw-2", "nowhere"):
        answer = await wires.post(f"{HERE}/assignment", json={"gateway": gateway, "driver": "d", "address": "1"})
        assert (answer.status_code, answer.json()["type"]) == (422, "urn:metergate:problem:no-such-gateway")
    body = {"gateway": GATEWAY, "driver": "zigbee", "address": "7", "install_code": LABEL}
    answer = await wires.post(f"{HERE}/assignment", json=body)
    assert [fault["where"] for fault in answer.json()["faults"]] == ["body.address"]


CALLS: list[tuple[str, str, dict[str, Any] | None]] = [
    ("POST", "/joins", {"device": MAC, "install_code": LABEL}),
    ("GET", "/devices", None),
    ("GET", f"/devices/{MAC}", None),
    ("POST", f"/devices/{MAC}/ping", None),
    ("POST", "/texts", {"text": "Hi"}),
    ("POST", "/prices", {"price": 1}),
    ("POST", "/load-controls", {"classes": ["hvac"], "duration_min": 1, "criticality": "green"}),
    ("POST", "/cancels", {"what": "text", "event": 1}),
    ("GET", "/device-reports", None),
    ("GET", "/commands", None),
    ("GET", "/assignment", None),
    ("POST", "/assignment", {"gateway": GATEWAY, "driver": "d", "address": "1"}),
    ("DELETE", "/assignment", None),
]


@pytest.mark.parametrize(
    ("user", "status"),
    [
        ("rep.admin", 403),
        ("maria.customer", 403),
        ("ercot.user", 403),
        ("blue.admin", 404),
        ("gulf.admin", 404),
        ("coach.user", 404),
    ],
)
async def test_only_the_meter_s_tdsp_manages_its_devices_and_gateways(
    signed_in: SignIn, user: str, status: int
) -> None:
    client = await signed_in(user)
    for method, path, body in CALLS:
        answer = await client.request(method, HERE + path, json=body)
        assert answer.status_code == status, (method, path)
        nobodys = await client.request(method, f"/meters/{esi(99)}{path}", json=body)
        assert nobodys.status_code == 404, (method, path)
        assert status == 403 or nobodys.content == answer.content


async def test_a_command_is_shown_to_whoever_may_manage_its_meter(wires: httpx.AsyncClient, signed_in: SignIn) -> None:
    place = await accepted(await wires.post(f"{HERE}/texts", json={"text": "Hi"}))
    assert (await wires.get(place)).status_code == 200
    for user, status in (("rep.admin", 403), ("blue.admin", 404), ("gulf.admin", 404)):
        assert (await (await signed_in(user)).get(place)).status_code == status
