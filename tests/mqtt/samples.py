"""One sample of every message, with fixed ids and instants; the golden files hold the same."""

from datetime import UTC, date, datetime, timedelta

from gateway.collected import IntervalsCollected, RegistersCollected, RegistersReported
from gateway.errors import FailureReason
from gateway.han.messages import (
    DescribeDevice,
    DeviceChanged,
    DeviceReported,
    JoinDevice,
    PingDevice,
    RekeyDevice,
    RemoveDevice,
    RotateNetworkKey,
    SendNotice,
)
from gateway.han.notices import Answer, Criticality, DeviceClass, Heard, LoadControl
from gateway.han.words import NEXT_STEP, Cause, DeviceInfo, DeviceType, Stage
from gateway.identifiers import EsiId, Eui64, GatewayId, MeterNumber, RequestId
from gateway.messages import (
    AssignMeter,
    CommandEnded,
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
    WithdrawMeter,
)
from gateway.reads import Age, Direction, Freshness, FrozenRegisters, MeterFlag, RegisterRead, Scale

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

DEVICE = Eui64("000D6F0007A0B1C2")
INFO = DeviceInfo(
    device=DEVICE,
    type=DeviceType.THERMOSTAT,
    nwk=0x4A3C,
    endpoint=9,
    manufacturer="Ecobee",
    model="SE-3",
    firmware=None,
    servers=(0x0000, 0x0201),
    clients=(0x0701, 0x0703),
    sleepy=False,
    lqi=212,
    suite=2,
    last_heard_at=NOON,
)
EVENT = LoadControl(
    event=77,
    classes=(DeviceClass.HVAC, DeviceClass.WATER_HEATER),
    starts_at=NOON + timedelta(minutes=10),
    duration_min=60,
    criticality=Criticality.LEVEL_2,
    cooling_offset=20,
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
    "JoinDevice": JoinDevice(
        id=REQUEST_ID,
        meter=METER,
        device=DEVICE,
        sealed_code="c2VhbGVkIHRvIG9uZSBnYXRld2F5",
        window_s=180,
        requested_at=NOON,
        deadline_at=NOON + timedelta(seconds=300),
    ),
    **{
        kind.__name__: kind(
            id=REQUEST_ID, meter=METER, device=DEVICE, requested_at=NOON, deadline_at=NOON + timedelta(seconds=60)
        )
        for kind in (RemoveDevice, RekeyDevice, PingDevice, DescribeDevice)
    },
    "SendNotice": SendNotice(
        id=REQUEST_ID,
        meter=METER,
        device=None,
        notice=EVENT,
        requested_at=NOON,
        deadline_at=NOON + timedelta(seconds=60),
    ),
    "RotateNetworkKey": RotateNetworkKey(
        id=REQUEST_ID, driver="zigbee", requested_at=NOON, deadline_at=NOON + timedelta(seconds=180)
    ),
    "AssignMeter": AssignMeter(
        id=REQUEST_ID,
        meter=METER,
        driver="zigbee",
        address="000D6F0007000003",
        sealed_code=None,
        successes=(NOON - timedelta(hours=3), NOON - timedelta(hours=1)),
    ),
    "WithdrawMeter": WithdrawMeter(id=REQUEST_ID, meter=METER),
    "CommandEnded": CommandEnded(
        id=REQUEST_ID,
        meter=METER,
        device=DEVICE,
        status=OutcomeStatus.FAILED,
        cause=Cause.WINDOW_EXPIRED,
        detail="Nothing was heard for 180 s.",
        next_step=NEXT_STEP[Cause.WINDOW_EXPIRED],
        info=None,
        round_trip_ms=None,
        successes=None,
        ended_at=NOON + timedelta(seconds=181),
        mark=Mark(journal="j-7", seq=45),
    ),
    "DeviceChanged": DeviceChanged(
        request=REQUEST_ID,
        meter=METER,
        device=DEVICE,
        stage=Stage.ACTIVE,
        at=NOON + timedelta(seconds=31),
        cause=None,
        detail="",
        next_step=None,
        info=INFO,
        mark=Mark(journal="j-7", seq=44),
    ),
    "DeviceReported": DeviceReported(
        meter=METER,
        device=DEVICE,
        heard=Heard(device=DEVICE, answer=Answer.OPTED_OUT, event=77, at=NOON, detail=""),
        mark=Mark(journal="j-7", seq=46),
    ),
    "IntervalsCollected": IntervalsCollected(
        meter=METER,
        direction=Direction.RECEIVED,
        day=date(2026, 3, 8),
        wh=(None, *(4 * place % 700 for place in range(91))),
        read_at=NOON,
        mark=Mark(journal="j-7", seq=47),
    ),
    "RegistersCollected": RegistersCollected(
        registers=FrozenRegisters(
            meter=METER,
            delivered_wh=12_345_000,
            received_wh=None,
            frozen_at=NOON - timedelta(hours=12),
            read_at=NOON,
        ),
        mark=Mark(journal="j-7", seq=48),
    ),
    "RegistersReported": RegistersReported(
        read=RegisterRead(
            meter=METER,
            delivered_wh=12_345_678,
            received_wh=None,
            demand_w=-250,
            flags=(MeterFlag.TAMPER,),
            latched_at=NOON - timedelta(seconds=1),
            update_period_s=30,
            read_at=NOON,
            scale=Scale(unit="kWh", multiplier=1, divisor=1000, assumed=False),
            path="zigbee 0x1234 ep 1 lqi 200 reported",
        ),
        mark=Mark(journal="j-7", seq=49),
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
        sealing_key="B2m2bE9K6v8xg1sJ0l6c1p0m2c0c9d3Vb3h0b2l0aXM",
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
