"""The unmodified host stack (bellows, zigpy) against the simulated co-processor, over TCP."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import bellows.ezsp  # type: ignore[import-untyped]  # bellows ships no types
import pytest
import zigpy.types as t
import zigpy.zdo.types as zdo_t
from zigpy.exceptions import DeliveryError, NetworkNotFormed

from simulators.faults import Fault, FaultKind
from simulators.world import StreetPlan, ZigBeeStreet
from simulators.zigbee.ezsp_frames import STACK_VERSIONS
from simulators.zigbee.nodes import Node, Plain
from simulators.zigbee.zcl import NOT_AUTHORISED

from .conftest import HandClock, Host, Standing, address

Connect = Callable[..., Awaitable[Host]]
READ_BASIC = "00 01 00 0400 0500"
READ_METERING = "00 02 00 0000 0003"


def nodes(street: ZigBeeStreet) -> list[Node]:
    found = [street.radio.named(int(premise.eui64, 16)) for premise in street.premises]
    return [node for node in found if node is not None]


def device(host: Host, node: Node) -> Any:
    return host.add_device(nwk=t.NWK(node.nwk), ieee=t.EUI64(node.eui64.to_bytes(8, "little")))  # type: ignore[no-untyped-call]  # zigpy's own


@pytest.mark.parametrize("version", sorted(STACK_VERSIONS))
async def test_it_starts_on_a_formed_network_without_forming(version: int, stand: Standing, connect: Connect) -> None:
    street, port = await stand(StreetPlan(meters=4, version=version))
    host = await connect(port)
    assert street.memory.network is not None
    assert host.state.network_info.pan_id == street.memory.network.pan_id
    assert host.state.network_info.network_key.key.serialize() == street.memory.network.network_key
    assert host.state.node_info.nwk == 0x0000
    assert street.coprocessor.network.formed == 0
    assert street.ncp.connections == 1


@pytest.mark.parametrize("version", [13, 14])
async def test_it_interviews_a_meter_over_zdo(version: int, stand: Standing, connect: Connect) -> None:
    street, port = await stand(StreetPlan(meters=4, version=version))
    host, node = await connect(port), nodes(street)[2]
    zdo = device(host, node).zdo
    status, _, descriptor = await zdo.Node_Desc_req(node.nwk)
    assert (status, descriptor.logical_type) == (zdo_t.Status.SUCCESS, zdo_t.LogicalType.Router)
    _, _, endpoints = await zdo.Active_EP_req(node.nwk)
    assert list(endpoints) == list(node.endpoints)
    _, _, simple = await zdo.Simple_Desc_req(node.nwk, endpoints[0])
    assert (simple.profile, simple.input_clusters) == (0x0109, [0x0000, 0x0702, 0x0709, 0x0800])
    status, eui64, _ = (await zdo.IEEE_addr_req(node.nwk, 0, 0))[:3]
    assert (status, eui64.serialize()) == (zdo_t.Status.SUCCESS, node.eui64.to_bytes(8, "little"))


@pytest.mark.parametrize("version", [13, 14])
async def test_a_broadcast_question_for_an_address_is_answered_by_that_meter_alone(
    version: int, stand: Standing, connect: Connect
) -> None:
    street, port = await stand(StreetPlan(meters=8, version=version))
    host, node = await connect(port), nodes(street)[5]
    meter = device(host, node)
    heard: list[t.ZigbeePacket] = []
    answered = asyncio.Event()

    def listen(packet: t.ZigbeePacket) -> None:
        heard.append(packet)
        answered.set()

    meter.packet_received = listen
    question = b"\x07" + node.eui64.to_bytes(8, "little") + b"\x00\x00"
    fields: dict[str, Any] = {"src_ep": 0, "dst_ep": 0, "tsn": 7, "profile_id": 0, "cluster_id": 0, "radius": 30}
    await host.send_packet(
        t.ZigbeePacket(
            src=address(t.AddrMode.NWK, 0),
            dst=address(t.AddrMode.Broadcast, t.BroadcastAddress.RX_ON_WHEN_IDLE),
            data=t.SerializableBytes(question),
            **fields,
        )
    )
    await asyncio.wait_for(answered.wait(), 5)
    assert [packet.cluster_id for packet in heard] == [0x8000]
    assert heard[0].data.serialize() == (
        b"\x07\x00" + node.eui64.to_bytes(8, "little") + node.nwk.to_bytes(2, "little")
    )


@pytest.mark.parametrize("version", [13, 14])
async def test_basic_is_read_plain_on_the_smart_energy_profile(version: int, stand: Standing, connect: Connect) -> None:
    street, port = await stand(StreetPlan(meters=4, version=version))
    host = await connect(port)
    answer = await host.ask(nodes(street)[0], 0x0000, READ_BASIC)
    assert (
        answer.data.serialize() == b"\x18\x01\x01\x04\x00\x00\x42\x14Metergate Laboratory\x05\x00\x00\x42\x08SIM-SE-1"
    )
    assert t.TransmitOptions.APS_Encryption not in answer.tx_options


@pytest.mark.parametrize("version", [13, 14, 19])
async def test_metering_is_read_encrypted_and_answered_encrypted(
    version: int, stand: Standing, connect: Connect
) -> None:
    street, port = await stand(StreetPlan(meters=4, version=version))
    host, node, meter = await connect(port), nodes(street)[0], next(iter(street.meters.values()))
    answer = await host.ask_encrypted(node, 0x0702, READ_METERING)
    shown = meter.model.shown(meter.registers().delivered_wh).to_bytes(6, "little")
    assert answer.data.serialize() == b"\x18\x02\x01\x00\x00\x00\x25" + shown + b"\x00\x03\x00\x30\x00"
    assert t.TransmitOptions.APS_Encryption in answer.tx_options
    assert street.reads()[meter.number] == 1


async def test_a_plain_read_of_metering_is_refused(stand: Standing, connect: Connect) -> None:
    street, port = await stand(StreetPlan(meters=2))
    host = await connect(port)
    answer = await host.ask(nodes(street)[0], 0x0702, READ_METERING)
    assert answer.data.serialize() == bytes((0x18, 0x02, 0x0B, 0x00, NOT_AUTHORISED))
    assert set(street.reads().values()) == {0}


async def test_a_plain_read_of_metering_may_be_dropped_instead(stand: Standing, connect: Connect) -> None:
    street, port = await stand(StreetPlan(meters=2, plain=Plain.DROP))
    host, node = await connect(port), nodes(street)[0]
    await host.tell(node, 0x0702, READ_METERING)
    await host.ask(node, 0x0000, READ_BASIC)
    assert host.packets.empty()
    assert set(street.reads().values()) == {0}


@pytest.mark.parametrize(("version", "status"), [(13, 0x0C0E), (14, 0x0C0E)])
async def test_encryption_without_a_link_key_is_refused_by_the_co_processor(
    version: int, status: int, stand: Standing, connect: Connect
) -> None:
    street, port = await stand(StreetPlan(meters=2, version=version))
    host = await connect(port)
    await host.meet(nodes(street)[0])
    await host._ezsp.clearKeyTable()
    with pytest.raises(DeliveryError) as refused:
        await host.tell(nodes(street)[0], 0x0702, READ_METERING, encrypted=True)
    assert refused.value.status == status


async def test_the_home_automation_profile_is_refused_by_a_smart_energy_endpoint(
    stand: Standing, connect: Connect
) -> None:
    street, port = await stand(StreetPlan(meters=2))
    host = await connect(port)
    answer = await host.ask(nodes(street)[0], 0x0000, READ_BASIC, profile=0x0104)
    assert answer.data.serialize().hex() == "18010b00c3"


async def test_the_coordinator_answers_the_hosts_questions_about_itself(stand: Standing, connect: Connect) -> None:
    _, port = await stand(StreetPlan(meters=1))
    host = await connect(port)
    own = host.devices[host.state.node_info.ieee]
    _, _, endpoints = await own.zdo.Active_EP_req(0x0000)
    assert 1 in endpoints
    _, _, descriptor = await own.zdo.Node_Desc_req(0x0000)
    assert descriptor.logical_type == zdo_t.LogicalType.Coordinator


async def test_link_keys_are_backed_up_by_the_host_stack(stand: Standing, connect: Connect) -> None:
    street, port = await stand(StreetPlan(meters=3, version=13))
    host = await connect(port)
    await host.load_network_info(load_devices=True)
    keys = {int.from_bytes(key.partner_ieee.serialize(), "little") for key in host.state.network_info.key_table}
    assert keys == {node.eui64 for node in nodes(street)}


@pytest.fixture
def impatient() -> Iterator[None]:
    """bellows waits 2 s for a reset that no network co-processor makes, four times while it forms a network."""
    patience = bellows.ezsp.NETWORK_COORDINATOR_STARTUP_RESET_WAIT
    bellows.ezsp.NETWORK_COORDINATOR_STARTUP_RESET_WAIT = 0.05
    yield
    bellows.ezsp.NETWORK_COORDINATOR_STARTUP_RESET_WAIT = patience


@pytest.mark.usefixtures("impatient")
async def test_a_blank_co_processor_is_not_formed_and_can_be(stand: Standing, connect: Connect, tmp_path: Path) -> None:
    plan = StreetPlan(meters=2, blank=True, state=tmp_path / "ncp.json")
    street, port = await stand(plan)
    with pytest.raises(NetworkNotFormed):
        await connect(port)
    host = await connect(port, auto_form=True)
    assert street.coprocessor.network.formed > 0
    assert street.memory.network is not None
    assert street.memory.network.pan_id == host.state.network_info.pan_id
    again, port = await stand(plan)
    assert again.memory.network is not None
    assert again.memory.network.pan_id == street.memory.network.pan_id


async def test_a_reset_out_of_the_blue_is_noticed_by_the_host(stand: Standing, connect: Connect) -> None:
    street, port = await stand(StreetPlan(meters=1))
    host = await connect(port)
    street.ncp.reset()
    await asyncio.wait_for(host.lost.wait(), 5)
    assert not street.coprocessor.network.up


async def test_a_dropped_connection_is_noticed_and_a_new_host_starts(stand: Standing, connect: Connect) -> None:
    street, port = await stand(StreetPlan(meters=1))
    host = await connect(port)
    street.ncp.drop()
    await asyncio.wait_for(host.lost.wait(), 5)
    await connect(port)
    assert street.ncp.connections == 2


async def test_the_newest_host_wins(stand: Standing, connect: Connect) -> None:
    street, port = await stand(StreetPlan(meters=1))
    first = await connect(port)
    second = await connect(port)
    await asyncio.wait_for(first.lost.wait(), 5)
    await second.ask(nodes(street)[0], 0x0000, READ_BASIC)


async def test_the_server_survives_garbage_on_its_port(stand: Standing, connect: Connect) -> None:
    street, port = await stand(StreetPlan(meters=1))
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(bytes(range(256)) * 400 + b"\x7e" + b"\x00\x01\x02" * 500)
    await writer.drain()
    assert (await reader.read(6)).hex() == "c1020b0a527e"
    writer.close()
    host = await connect(port)
    await host.ask(nodes(street)[0], 0x0000, READ_BASIC)


async def test_a_slow_meter_answers_when_its_time_has_come(stand: Standing, connect: Connect, clock: HandClock) -> None:
    street, port = await stand(StreetPlan(meters=2))
    host, node, number = await connect(port), nodes(street)[0], street.premises[0].meter
    await host.meet(nodes(street)[0])
    street.set_fault(number, Fault(kind=FaultKind.SLOW, seconds=5))
    await host.tell(node, 0x0702, READ_METERING, encrypted=True)
    clock.forward(4.9)
    await host.ask(nodes(street)[1], 0x0000, READ_BASIC)
    assert host.packets.empty()
    assert street.reads()[number] == 1
    clock.forward(0.1)
    answer = await asyncio.wait_for(host.packets.get(), 5)
    assert answer.src is not None
    assert answer.src.address == node.nwk


async def test_a_meter_that_is_silent_is_not_delivered_to(stand: Standing, connect: Connect, clock: HandClock) -> None:
    street, port = await stand(StreetPlan(meters=2))
    host, number = await connect(port), street.premises[0].meter
    await host.meet(nodes(street)[0])
    street.set_fault(number, Fault(kind=FaultKind.SILENT))
    sending = asyncio.create_task(host.tell(nodes(street)[0], 0x0702, READ_METERING, encrypted=True))
    await clock.until_asleep(4.8)
    clock.forward(4.8)
    with pytest.raises(DeliveryError):
        await sending
    assert street.reads()[number] == 0
