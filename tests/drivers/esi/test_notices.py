"""Notices over the air: told to a display, answered when it asks, heard when it answers, and nobody else's business."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.clock import SystemClock
from gateway.dice import SeededDice
from gateway.errors import LinkLost
from gateway.han.notices import Answer, CancelText, Criticality, DeviceClass, Heard, LoadControl, Price, Text
from gateway.han.words import Cause, HanFault
from gateway.identifiers import Eui64
from simulators.zigbee import zcl, zdo
from simulators.zigbee.nodes import Endpoint, Node
from simulators.zigbee.octets import unsigned

Make = Callable[..., Any]

VERSIONS = pytest.mark.parametrize("version", [13, 14, 19])
PLACE = 10
TIME, PRICE, LOAD_CONTROL, MESSAGING = 0x000A, 0x0700, 0x0701, 0x0703
NOT_FOUND, NOT_AUTHORISED, UNSUPPORTED, INVALID_VALUE = 0x8B, 0x7E, 0x81, 0x87


class Client:
    """One side of a cluster on a display: it keeps what it is told, and may refuse it."""

    def __init__(self) -> None:
        self.commands: asyncio.Queue[zcl.Command] = asyncio.Queue()
        self.status: int | None = 0x00

    def attributes(self) -> list[int]:
        return []

    def attribute(self, attribute: int) -> None:
        return None

    def reading(self, attributes: object) -> None:
        return None

    def command(self, command: zcl.Command) -> int | None:
        self.commands.put_nowait(command)
        return self.status

    async def next(self) -> zcl.Command:
        async with asyncio.timeout(5):
            return await self.commands.get()


class Display:
    """A display on a meter's node, at an endpoint of its own."""

    def __init__(self, lab: Any, clusters: tuple[int, ...] = (TIME, PRICE, LOAD_CONTROL, MESSAGING)) -> None:
        self._lab = lab
        self.node: Node = lab.nodes[0]
        self.eui64 = Eui64(f"{self.node.eui64:016X}")
        self.clients = {cluster: Client() for cluster in clusters}
        descriptor = zdo.Descriptor(profile=0x0109, device=0x0502, servers=(0x0000,), clients=clusters)
        endpoints: Any = self.node.endpoints
        endpoints[PLACE] = Endpoint(descriptor=descriptor, servers={}, clients=self.clients)
        self.answers: asyncio.Queue[tuple[zcl.Header, bytes]] = asyncio.Queue()
        self.node.ears = self
        self._tsn = 100

    def hear(self, message: Any) -> None:
        if message.destination_endpoint == PLACE:
            header, rest = zcl.parse(message.payload)
            if header.general:
                self.answers.put_nowait((header, rest.rest()))

    def gone(self, *, comes_back: bool) -> None:
        """Nothing follows from it."""

    async def ask(
        self, cluster: int, command: int, body: bytes = b"", *, general: bool = False, encrypted: bool = True
    ) -> bytes:
        """Send a command to the trust centre; returns its transaction number."""
        self._tsn += 1
        payload = zcl.request(self._tsn, command, body, general=general)
        message = self.node.compose(cluster=cluster, payload=payload, endpoints=(PLACE, 1), encrypted=encrypted)
        assert await self._lab.radio.send(self.node, message)
        return bytes((self._tsn,))

    async def answer(self) -> tuple[int, bytes]:
        """The next general command that came, and its body."""
        async with asyncio.timeout(5):
            header, body = await self.answers.get()
        return header.command, body


async def ready(driver: Any, lab: Any) -> Any:
    """A driver that has interviewed the display's node."""
    await driver.read(lab.assignment(0), 10)
    return driver._notices


@VERSIONS
async def test_a_text_reaches_its_display_and_is_told_again_when_it_asks(
    laboratory: Make, keep_up: Make, version: int
) -> None:
    lab = await laboratory(1, version=version)
    display = Display(lab)
    async with keep_up(lab.driver()) as driver:
        notices = await ready(driver, lab)
        await notices.send(display.eui64, Text(event=7, text="Hola, mañana"), 5)
        shown = await display.clients[MESSAGING].next()
        assert (shown.header.command, shown.encrypted, shown.body[9 + 2 :][:1]) == (0x00, True, b"\x0d")
        tsn = await display.ask(MESSAGING, 0x00)
        again = await display.clients[MESSAGING].next()
        assert (bytes((again.header.tsn,)), again.body[:4]) == (tsn, shown.body[:4])
        await notices.send(display.eui64, CancelText(event=7), 5)
        assert (await display.clients[MESSAGING].next()).header.command == 0x01
        await display.ask(MESSAGING, 0x00)
        assert await display.answer() == (zcl.DEFAULT_RESPONSE, bytes((0x00, NOT_FOUND)))


async def test_prices_are_answered_in_their_order(laboratory: Make, keep_up: Make) -> None:
    lab = await laboratory(1)
    display = Display(lab)
    async with keep_up(lab.driver()) as driver:
        notices = await ready(driver, lab)
        later = SystemClock().now() + timedelta(hours=2)
        notices.remember(display.eui64, Price(event=2, price=20, starts_at=later))
        notices.remember(display.eui64, Price(event=1, price=10))
        await display.ask(PRICE, 0x00, b"\x00")
        current = await display.clients[PRICE].next()
        assert current.body[5:9] == unsigned(1, 4)
        await display.ask(PRICE, 0x01, bytes(5))
        scheduled = [await display.clients[PRICE].next() for _ in range(2)]
        assert [command.body[5:9] for command in scheduled] == [unsigned(1, 4), unsigned(2, 4)]
        assert len({command.header.tsn for command in scheduled}) == 2


async def test_what_a_device_answers_is_heard(laboratory: Make, keep_up: Make) -> None:
    lab = await laboratory(1)
    display = Display(lab)
    heard: list[Heard] = []
    async with keep_up(lab.driver()) as driver:
        notices = await ready(driver, lab)
        notices.listen(heard.append)
        await display.ask(PRICE, 0x02, unsigned(0, 4) + unsigned(5, 4) + unsigned(0x2F000000, 4) + b"\x00")
        await display.ask(MESSAGING, 0x01, unsigned(7, 4) + unsigned(0x2F000000, 4))
        started = unsigned(9, 4) + b"\x02" + unsigned(0x2F000000, 4) + bytes(9)
        await display.ask(LOAD_CONTROL, 0x00, started)
        await display.ask(LOAD_CONTROL, 0x00, unsigned(9, 4) + b"\x0b" + unsigned(0x2F000000, 4) + bytes(9))
        assert await display.answer() == (zcl.DEFAULT_RESPONSE, bytes((0x00, INVALID_VALUE)))
    assert [(each.device, each.answer, each.event) for each in heard] == [
        (display.eui64, Answer.PRICE_ACKNOWLEDGED, 5),
        (display.eui64, Answer.TEXT_CONFIRMED, 7),
        (display.eui64, Answer.STARTED, 9),
    ]


async def test_a_refused_notice_is_heard_as_rejected(laboratory: Make, keep_up: Make) -> None:
    lab = await laboratory(1)
    display = Display(lab)
    display.clients[LOAD_CONTROL].status = UNSUPPORTED
    heard: asyncio.Queue[Heard] = asyncio.Queue()
    control = LoadControl(event=9, classes=(DeviceClass.HVAC,), duration_min=60, criticality=Criticality.GREEN)
    async with keep_up(lab.driver()) as driver:
        notices = await ready(driver, lab)
        notices.listen(heard.put_nowait)
        await notices.send(display.eui64, control, 5)
        async with asyncio.timeout(5):
            said = await heard.get()
    assert (said.answer, said.event, said.detail) == (
        Answer.REJECTED,
        9,
        "status 0x81 UNSUP_CLUSTER_COMMAND to command 0x00",
    )


async def test_the_time_is_the_drivers_clock_and_texas_zone(laboratory: Make, keep_up: Make) -> None:
    lab = await laboratory(1)
    display = Display(lab)
    async with keep_up(lab.driver()) as driver:
        await ready(driver, lab)
        await display.ask(TIME, 0x00, b"".join(unsigned(number, 2) for number in (0, 1, 2, 5, 9)), general=True)
        command, body = await display.answer()
    values = zcl.read_records(body)
    assert command == zcl.READ_RESPONSE
    assert {number: value.content for number, value in values.items() if number} == {
        1: 0b101,
        2: -21600,
        5: 3600,
    }
    now = (SystemClock().now() - timedelta(days=10957)).timestamp()
    assert isinstance(values[0].content, int)
    assert abs(values[0].content - now) < 60


@pytest.mark.parametrize(
    ("cluster", "command", "status"),
    [(PRICE, 0x03, UNSUPPORTED), (PRICE, 0x44, UNSUPPORTED), (LOAD_CONTROL, 0x01, NOT_FOUND), (PRICE, 0x00, NOT_FOUND)],
)
async def test_what_is_not_known_is_said_not_to_be(
    laboratory: Make, keep_up: Make, cluster: int, command: int, status: int
) -> None:
    lab = await laboratory(1)
    display = Display(lab)
    async with keep_up(lab.driver()) as driver:
        await ready(driver, lab)
        await display.ask(cluster, command, bytes(5))
        assert await display.answer() == (zcl.DEFAULT_RESPONSE, bytes((command, status)))


async def test_a_client_that_is_not_declared_is_answered_too(laboratory: Make, keep_up: Make) -> None:
    lab = await laboratory(1)
    display = Display(lab, clusters=(MESSAGING,))
    async with keep_up(lab.driver()) as driver:
        await ready(driver, lab)
        await display.ask(PRICE, 0x00, b"\x00")
        assert await display.answer() == (zcl.DEFAULT_RESPONSE, bytes((0x00, NOT_FOUND)))


async def test_who_asks_in_plain_or_is_not_registered_learns_nothing(laboratory: Make, keep_up: Make) -> None:
    lab = await laboratory(1)
    display = Display(lab)
    heard: list[Heard] = []
    async with keep_up(lab.driver()) as driver:
        notices = await ready(driver, lab)
        notices.listen(heard.append)
        dropped = driver._app.plain_dropped
        await display.ask(PRICE, 0x02, bytes(13), encrypted=False)
        notices.admit(lambda device: False)
        await display.ask(PRICE, 0x02, bytes(13))
        assert await display.answer() == (zcl.DEFAULT_RESPONSE, bytes((0x02, NOT_AUTHORISED)))
        assert driver._app.plain_dropped == dropped + 1
        with pytest.raises(HanFault) as caught:
            await notices.send(display.eui64, Text(event=1, text="x"), 5)
        assert caught.value.cause is Cause.UNKNOWN_DEVICE
    assert heard == []


async def test_a_device_without_the_client_refuses_and_nothing_is_remembered(laboratory: Make, keep_up: Make) -> None:
    lab = await laboratory(1)
    display = Display(lab, clusters=(PRICE,))
    async with keep_up(lab.driver()) as driver:
        notices = await ready(driver, lab)
        with pytest.raises(HanFault) as caught:
            await notices.send(display.eui64, Text(event=1, text="x"), 5)
        assert (caught.value.cause, str(caught.value)) == (
            Cause.REFUSED_BY_DEVICE,
            "the device has no client of cluster 0x0703",
        )
        assert notices._boards == {}


async def test_a_silent_device_is_unreachable_and_nothing_is_remembered(laboratory: Make, keep_up: Make) -> None:
    lab = await laboratory(1)
    display = Display(lab)
    async with keep_up(lab.driver()) as driver:
        notices = await ready(driver, lab)
        lab.meters[0].silent = True
        with pytest.raises(HanFault) as caught:
            await notices.send(display.eui64, Text(event=1, text="x"), 0.5)
        assert caught.value.cause is Cause.UNREACHABLE
        lab.meters[0].silent = False
        await display.ask(MESSAGING, 0x00)
        assert (await display.answer())[1] == bytes((0x00, NOT_FOUND))


async def test_without_a_radio_a_notice_waits_its_time_and_is_link_lost(laboratory: Make) -> None:
    lab = await laboratory(1)
    with pytest.raises(LinkLost):
        await lab.driver()._notices.send(Display(lab).eui64, Text(event=1, text="x"), 0.05)


async def test_a_home_network_sends_and_forgets_with_its_device(
    laboratory: Make, keep_up: Make, tmp_path: Path
) -> None:
    lab = await laboratory(1)
    display = Display(lab)
    async with keep_up(lab.homely(tmp_path)) as driver:
        await ready(driver, lab)
        await driver.home.send(display.eui64, Price(event=3, price=30), 5)
        assert (await display.clients[PRICE].next()).header.command == 0x00
        stranger = Eui64("00124B0000000777")
        with pytest.raises(HanFault) as caught:
            await driver.home.send(stranger, Price(event=3, price=30), 5)
        assert caught.value.cause is Cause.UNKNOWN_DEVICE
        await driver.home.remove(display.eui64, 5)
        assert driver._notices._boards == {}


async def test_a_device_that_asks_without_end_is_answered_once_at_a_time(laboratory: Make, keep_up: Make) -> None:
    lab = await laboratory(1)
    display = Display(lab)
    async with keep_up(lab.driver()) as driver:
        notices = await ready(driver, lab)
        for number in range(8):
            start = SystemClock().now() + timedelta(hours=number)
            notices.remember(display.eui64, Price(event=number + 1, price=1, starts_at=start, duration_min=60))
        for _ in range(50):
            await display.ask(PRICE, 0x01, bytes(5))
        assert len(notices._answering) <= 1
        first = [await display.clients[PRICE].next() for _ in range(8)]
        assert [command.body[5:9] for command in first] == [unsigned(number + 1, 4) for number in range(8)]


@VERSIONS
async def test_a_text_that_fits_no_frame_goes_in_fragments(laboratory: Make, keep_up: Make, version: int) -> None:
    lab = await laboratory(1, version=version)
    display = Display(lab)
    async with keep_up(lab.driver()) as driver:
        notices = await ready(driver, lab)
        for size in (57, 58, 254):
            await notices.send(display.eui64, Text(event=size, text="x" * size), 5)
            shown = await display.clients[MESSAGING].next()
            assert (shown.encrypted, shown.body[11:]) == (True, bytes((size,)) + b"x" * size + b"\x00")
        await display.ask(MESSAGING, 0x00)
        assert (await display.clients[MESSAGING].next()).body[11:12] == b"\xfe"


@VERSIONS
async def test_what_a_device_says_in_fragments_is_heard_once(laboratory: Make, keep_up: Make, version: int) -> None:
    lab = await laboratory(1, version=version)
    display = Display(lab)
    heard: list[Heard] = []
    async with keep_up(lab.driver()) as driver:
        notices = await ready(driver, lab)
        notices.listen(heard.append)
        for event in (1, 2):
            words = b"\x02" + bytes((200,)) + b"certainly" + bytes(191)
            await display.ask(MESSAGING, 0x01, unsigned(event, 4) + unsigned(0x2F000000, 4) + words)
        await display.ask(MESSAGING, 0x00)
        await display.answer()
        assert driver._app._fragments._assembler.unfinished == 0
    assert [(each.event, each.detail) for each in heard] == [(1, "yes: certainly"), (2, "yes: certainly")]


@VERSIONS
async def test_what_a_device_says_in_plain_fragments_is_not_heard(
    laboratory: Make, keep_up: Make, version: int
) -> None:
    lab = await laboratory(1, version=version)
    display = Display(lab)
    heard: list[Heard] = []
    async with keep_up(lab.driver()) as driver:
        notices = await ready(driver, lab)
        notices.listen(heard.append)
        words = b"\x02" + bytes((200,)) + bytes(200)
        await display.ask(MESSAGING, 0x01, unsigned(1, 4) + unsigned(0x2F000000, 4) + words, encrypted=False)
        await display.ask(MESSAGING, 0x00)
        await display.answer()
        assert driver._app.plain_dropped == 1
    assert heard == []


async def test_a_fragment_that_nobody_acknowledges_fails_the_notice(laboratory: Make, keep_up: Make) -> None:
    lab = await laboratory(1)
    display = Display(lab)
    async with keep_up(lab.driver()) as driver:
        notices = await ready(driver, lab)
        lab.meters[0].silent = True
        with pytest.raises(HanFault) as caught:
            await notices.send(display.eui64, Text(event=1, text="x" * 200), 1)
        assert caught.value.cause is Cause.UNREACHABLE
        lab.meters[0].silent = False
        await notices.send(display.eui64, Text(event=2, text="x" * 200), 5)
        assert (await display.clients[MESSAGING].next()).body[:4] == unsigned(2, 4)
        assert driver._app._pending_requests == {}


async def test_garbage_on_every_served_cluster_harms_nobody(
    laboratory: Make, keep_up: Make, caplog: pytest.LogCaptureFixture
) -> None:
    lab = await laboratory(1)
    display = Display(lab)
    rolls = SeededDice(5).stream("garbage")
    async with keep_up(lab.driver()) as driver:
        notices = await ready(driver, lab)
        notices.remember(display.eui64, Price(event=1, price=10))
        for _ in range(400):
            cluster = rolls.choice((TIME, 0x0025, PRICE, LOAD_CONTROL, MESSAGING, 0x0704, 0x0702))
            payload = rolls.randbytes(rolls.randrange(60))
            message = display.node.compose(cluster=cluster, payload=payload, endpoints=(PLACE, 1), encrypted=True)
            await lab.radio.send(display.node, message)
        await driver.read(lab.assignment(0), 10)
        while not display.clients[PRICE].commands.empty():
            display.clients[PRICE].commands.get_nowait()
        await display.ask(PRICE, 0x00, b"\x00")
        assert (await display.clients[PRICE].next()).body[5:9] == unsigned(1, 4)
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []
