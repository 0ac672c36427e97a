"""One sample of every message, with fixed ids and instants; the golden files hold the same."""

from datetime import UTC, datetime, timedelta

from gateway.errors import FailureReason
from gateway.identifiers import EsiId, GatewayId, MeterNumber, RequestId
from gateway.messages import (
    GatewayState,
    LinkState,
    Mark,
    Message,
    OutcomeStatus,
    ReadEnded,
    ReadProgressed,
    ReadStage,
    Receipt,
    RequestRead,
)
from gateway.reads import Age, Freshness, MeterFlag, RegisterRead, Scale

NOON = datetime(2026, 3, 8, 18, 0, tzinfo=UTC)
ENVELOPE_ID = RequestId("0195d3f1-0000-7000-8000-00000000abcd")
REQUEST_ID = RequestId("0195d3f1-1234-7abc-8def-0123456789ab")
METER = MeterNumber("KV2C-0001234")
GATEWAY = GatewayId("gw-1")

READ = RegisterRead(
    meter=METER,
    delivered_wh=12_345_678,
    received_wh=0,
    demand_w=-1_250,
    flags=(MeterFlag.TAMPER, MeterFlag.POWER_FAILURE),
    latched_at=NOON - timedelta(seconds=5),
    update_period_s=30,
    read_at=NOON,
    scale=Scale(unit="kWh", multiplier=1, divisor=1000, assumed=False),
    path="zigbee",
)

SAMPLES: dict[str, Message] = {
    "RequestRead": RequestRead(
        id=REQUEST_ID,
        meter=METER,
        esi_id=EsiId("10089010012345678"),
        requested_at=NOON,
        deadline_at=NOON + timedelta(seconds=120),
    ),
    "Receipt": Receipt(mark=Mark(journal="j-7", seq=42)),
    "ReadProgressed": ReadProgressed(id=REQUEST_ID, meter=METER, stage=ReadStage.ON_AIR, at=NOON),
    "ReadEnded": ReadEnded(
        id=REQUEST_ID,
        meter=METER,
        status=OutcomeStatus.DONE,
        reason=None,
        detail="",
        accepted_at=NOON,
        on_air_at=NOON + timedelta(milliseconds=20),
        ended_at=NOON + timedelta(milliseconds=1250),
        read=READ,
        age=Age(freshness=Freshness.FRESH, at_most_s=5),
        next_allowed_at=NOON + timedelta(hours=1),
        used_today=3,
        mark=Mark(journal="j-7", seq=41),
    ),
    "GatewayState": GatewayState(
        gateway=GATEWAY,
        online=True,
        boot_id="boot-1",
        at=NOON,
        version="0.1.0",
        meters=2,
        links=(LinkState(driver="zigbee", up=False, since=NOON, detail="LinkLost: the line went quiet"),),
        receipted=Mark(journal="j-7", seq=40),
    ),
}

FAILED = ReadEnded(
    id=REQUEST_ID,
    meter=METER,
    status=OutcomeStatus.FAILED,
    reason=FailureReason.TIMEOUT,
    detail="no answer in 20 s",
    accepted_at=None,
    on_air_at=None,
    ended_at=NOON,
    read=None,
    age=None,
    next_allowed_at=None,
    used_today=None,
    mark=Mark(journal="j-7", seq=1),
)


def receipt(seq: int) -> Receipt:
    """A message down that carries a number."""
    return Receipt(mark=Mark(journal="j-7", seq=seq))


def state(gateway: GatewayId, *, online: bool = True, boot_id: str = "boot-1") -> GatewayState:
    """A gateway's state."""
    return GatewayState(gateway=gateway, online=online, boot_id=boot_id, at=NOON, version="0.1.0", meters=0, links=())


def progressed(stage: ReadStage = ReadStage.ACCEPTED) -> ReadProgressed:
    """A small message up."""
    return ReadProgressed(id=REQUEST_ID, meter=METER, stage=stage, at=NOON)


def connect_packet(client_id: bytes, password: bytes = b"word", keep_alive: int = 60, clean: bool = True) -> bytes:
    """MQTT 3.1.1 CONNECT with user name (the client id), password and clean session or not (specification, 3.1)."""
    fields = b"".join(len(field).to_bytes(2, "big") + field for field in (client_id, client_id, password))
    body = b"\x00\x04MQTT\x04" + bytes([0xC0 | clean << 1]) + keep_alive.to_bytes(2, "big") + fields
    return b"\x10" + bytes([len(body)]) + body
