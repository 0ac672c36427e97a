"""TDSPs' notices on the bus: each on its own topic, heard by portals alone, refused in words of their causes."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import aiomqtt
import pytest
from amqtt.contexts import Action  # type: ignore[import-untyped]  # amqtt has none

from gateway.config import Credentials, Secret
from gateway.errors import BadMessage
from gateway.identifiers import Duns, EsiId, MeterNumber
from gateway.market_notices import (
    EsiIdCreated,
    EsiIdRetired,
    MarketNotices,
    MeterChanged,
    MeterExchanged,
    MeterFields,
    MeterInstalled,
    MeterProvisioned,
    PremiseChanged,
    PremiseFields,
    RepChange,
    RepOfRecordChanged,
)
from gateway.ports import Delivery, MarketDelivery
from mqtt.broker import Gate
from mqtt.client import MqttBus
from mqtt.codec import MAX_BYTES, decode_market, encode, encode_market
from mqtt.refusals import Cause, Refused
from mqtt.topics import market_topic, may_read, may_tell, may_write
from tests.mqtt.places import CLOCK, DEADLINE_S, DICE, ONE, USERS, MemoryPlace, embedded
from tests.mqtt.samples import ENVELOPE_ID, FAILED, NOON
from tests.servers import private_mosquitto

GOLDEN = Path(__file__).parent / "golden" / "MarketNotices.json"
TDSP, OTHER = Duns("957877905"), Duns("1039940674000")
ESI_ID, NEXT = EsiId("10443720007000034"), EsiId("1008901000000000000017")
SINCE = datetime(2026, 3, 9, 5, tzinfo=UTC)
METER, LATER = MeterNumber("900700003"), MeterNumber("900700004")
NOTICES = MarketNotices(
    notices=(
        EsiIdCreated(
            id="2026-0001",
            esi_id=ESI_ID,
            effective_at=SINCE,
            premise=PremiseFields(
                street_name="Oak", city="Waco", state="TX", zip="76701", ams_profile_from=date(2026, 3, 9)
            ),
        ),
        MeterInstalled(
            id="2026-0002",
            esi_id=ESI_ID,
            effective_at=SINCE,
            meter=METER,
            fields=MeterFields(multiplier=Decimal("1.5"), phases=1, generation_capable=False),
        ),
        MeterProvisioned(id="2026-0003", esi_id=ESI_ID, effective_at=SINCE, meter=METER),
        RepOfRecordChanged(
            id="2026-0004", esi_id=ESI_ID, effective_at=SINCE, change=RepChange.MOVE_IN, rep_duns=Duns("118802441")
        ),
        PremiseChanged(
            id="2026-0005", esi_id=ESI_ID, effective_at=SINCE, premise=PremiseFields(read_cycle="07"), cleared=("unit",)
        ),
        MeterChanged(id="2026-0006", esi_id=ESI_ID, effective_at=SINCE, meter=METER, fields=MeterFields(status="E")),
        MeterExchanged(id="2026-0007", esi_id=ESI_ID, effective_at=SINCE, meter=METER, new_meter=LATER),
        EsiIdRetired(id="2026-0008", esi_id=ESI_ID, effective_at=SINCE, successor=NEXT),
    )
)


def encoded(notices: MarketNotices = NOTICES, tdsp: Duns = TDSP) -> tuple[str, bytes]:
    return encode_market(tdsp, notices, id=ENVELOPE_ID, at=NOON)


def test_notices_are_written_as_their_golden_file() -> None:
    topic, payload = encoded()
    assert topic == "metergate/1/market/957877905"
    assert json.dumps(json.loads(payload), indent=2) + "\n" == GOLDEN.read_text()


def test_the_golden_file_is_read_as_its_notices() -> None:
    delivery = decode_market(market_topic(TDSP), GOLDEN.read_bytes())
    assert delivery == MarketDelivery(tdsp=TDSP, message=NOTICES)


@pytest.mark.parametrize(
    ("topic", "change", "cause"),
    [
        ("metergate/1/market/gw-1", {}, Cause.WRONG_TOPIC),
        ("metergate/1/market/", {}, Cause.WRONG_TOPIC),
        ("metergate/1/market/957877905/more", {}, Cause.WRONG_TOPIC),
        (market_topic(TDSP), {"v": 2}, Cause.WRONG_VERSION),
        (market_topic(TDSP), {"type": "Receipt"}, Cause.MALFORMED),
        (market_topic(TDSP), {"data": {"notices": []}}, Cause.MALFORMED),
        (market_topic(TDSP), {"data": {"notices": [{"kind": "meter_eaten"}]}}, Cause.UNKNOWN_TYPE),
    ],
)
def test_what_is_not_a_notice_is_refused(topic: str, change: dict[str, object], cause: Cause) -> None:
    envelope = json.loads(encoded()[1]) | change
    with pytest.raises(BadMessage) as refused:
        decode_market(topic, json.dumps(envelope).encode())
    assert isinstance(refused.value, Refused)
    assert refused.value.cause is cause


def test_what_is_too_large_is_refused_on_both_sides() -> None:
    notice = PremiseChanged(
        id="n", esi_id=ESI_ID, effective_at=SINCE, premise=PremiseFields(street_name="x" * 60, load_profile="y" * 60)
    )
    with pytest.raises(Refused):
        encoded(MarketNotices(notices=(notice,) * 500))
    with pytest.raises(Refused):
        decode_market(market_topic(TDSP), b" " * (MAX_BYTES + 1))


def test_a_tdsp_writes_its_own_topic_and_reads_nothing() -> None:
    gate = Gate({TDSP: "word", "portal": "word", "gw-1": "word"}, "portal")
    mine, others = market_topic(TDSP), market_topic(OTHER)
    assert may_tell(TDSP, mine)
    assert gate.allows(TDSP, mine, Action.PUBLISH)
    for topic in (others, f"metergate/1/up/{TDSP}/state", f"metergate/1/down/{TDSP}/reads", f"{mine}/more"):
        assert not gate.allows(TDSP, topic, Action.PUBLISH)
    for topic in (mine, "metergate/1/market/+", "#", f"metergate/1/down/{TDSP}/#"):
        assert not gate.allows(TDSP, topic, Action.RECEIVE)
    assert not gate.allows("gw-1", mine, Action.PUBLISH)
    assert not gate.allows("gw-1", mine, Action.RECEIVE)
    assert gate.allows("portal", "metergate/1/market/+", Action.SUBSCRIBE)
    assert may_read(None, mine)
    assert not may_write(None, mine)


class Heard:
    """What a portal was handed."""

    def __init__(self) -> None:
        self.of_gateways: list[Delivery] = []
        self.notices: asyncio.Queue[MarketDelivery] = asyncio.Queue()
        self.greeted = asyncio.Event()

    async def handle(self, deliveries: Sequence[Delivery]) -> None:
        self.of_gateways += deliveries

    async def take(self, deliveries: Sequence[MarketDelivery]) -> None:
        for delivery in deliveries:
            self.notices.put_nowait(delivery)

    async def greet(self) -> None:
        self.greeted.set()

    async def next(self) -> MarketDelivery:
        async with asyncio.timeout(DEADLINE_S):
            return await self.notices.get()


@asynccontextmanager
async def heard_over(bus: object) -> AsyncIterator[Heard]:
    """A portal that listens while the block lasts."""
    heard = Heard()
    running = asyncio.create_task(bus.run(heard.handle, heard.greet, market=heard.take))  # type: ignore[attr-defined]  # any bus
    async with asyncio.timeout(DEADLINE_S):
        await heard.greeted.wait()
    try:
        yield heard
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def test_in_one_process_notices_and_reports_go_to_their_own_handlers() -> None:
    place = MemoryPlace()
    async with heard_over(place.bus(None)) as heard:
        await place.inject(*encoded())
        await place.inject(f"metergate/1/up/{ONE}/reads", encode(FAILED, id=FAILED.id, at=NOON))
        assert await heard.next() == MarketDelivery(tdsp=TDSP, message=NOTICES)
        await place.inject("metergate/1/market/nobody", encoded()[1])
        await place.inject(*encoded(), retained=True)
        assert await heard.next() == MarketDelivery(tdsp=TDSP, message=NOTICES)
        assert [delivery.message for delivery in heard.of_gateways] == [FAILED]


async def test_notices_that_the_broker_had_kept_are_not_taken() -> None:
    place = MemoryPlace()
    await place.inject(*encoded(), retained=True)
    bus = place.bus(None)
    async with heard_over(bus) as heard:
        await place.inject(*encoded(tdsp=OTHER))
        assert (await heard.next()).tdsp == OTHER
    assert bus.counters[Cause.REPLAYED] == 1


async def test_a_portal_that_takes_no_notices_counts_them() -> None:
    place = MemoryPlace()
    bus = place.bus(None)
    heard = Heard()
    running = asyncio.create_task(bus.run(heard.handle, heard.greet))
    await heard.greeted.wait()
    await place.inject(*encoded())
    await place.inject(f"metergate/1/up/{ONE}/reads", encode(FAILED, id=FAILED.id, at=NOON))
    async with asyncio.timeout(DEADLINE_S):
        while not heard.of_gateways:  # noqa: ASYNC110  # the bus says nothing when it has handed over
            await asyncio.sleep(0)
    running.cancel()
    assert dict(bus.counters) == {Cause.WRONG_TOPIC: 1}


@pytest.mark.parametrize("kind", ["embedded", "mosquitto"])
async def test_over_a_real_broker_a_tdsp_tells_on_its_own_topic_only(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(USERS, TDSP, "wires-word")
    monkeypatch.setitem(USERS, "gw-1", "word-1")
    if kind == "embedded":
        async with embedded() as place:
            await _tells_its_own(place.bus(None), place.broker.port)
        return
    async with private_mosquitto(tmp_path, USERS, tdsps=[TDSP], username_as_clientid=False) as broker:
        monkeypatch.setenv("WORD_portal", USERS["portal"])
        credentials = Credentials(username="portal", password=Secret(env="WORD_portal"))
        await _tells_its_own(MqttBus(MqttBus.Settings(port=broker.port), credentials, None, CLOCK, DICE), broker.port)


async def _tells_its_own(bus: object, port: int) -> None:
    def client(name: str) -> aiomqtt.Client:
        return aiomqtt.Client("127.0.0.1", port, username=name, password=USERS[name], identifier=name)

    async with heard_over(bus) as heard:
        async with client("gw-1") as gateway:
            await gateway.publish(*encoded(), qos=1)
        async with client(TDSP) as tdsp:
            await tdsp.publish(*encoded(tdsp=OTHER), qos=1)
            await tdsp.publish(*encoded(), qos=1)
        assert await heard.next() == MarketDelivery(tdsp=TDSP, message=NOTICES)
        assert heard.notices.empty(), "another's topic, or a gateway, was heard"
        assert heard.of_gateways == []
