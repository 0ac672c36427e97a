"""Key establishment on the air, what it opens, and how devices leave, are removed, lose the network and come back."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import zigpy.types as t
import zigpy.zdo.types as zdo_t

from drivers.zigbee.cbke import files
from drivers.zigbee.cbke.exchange import KeyEstablished
from drivers.zigbee.cbke.frames import Frame
from drivers.zigbee.cbke.responders import Responders
from gateway.dice import SeededDice
from gateway.identifiers import Eui64
from simulators.world import StreetPlan, ZigBeeStreet
from simulators.zigbee import zcl
from simulators.zigbee.cbke.credentials import Authority
from simulators.zigbee.install_code import link_key_of
from simulators.zigbee.life import Device, Stage
from simulators.zigbee.ncp.messages import REPLAYED, UNDECRYPTED
from simulators.zigbee.zcl import NOT_AUTHORISED

from .conftest import HandClock, SmartEnergyHost, Standing, address

Connect = Callable[..., Awaitable["TrustCentreHost"]]
KEY_ESTABLISHMENT, BASIC, METERING = 0x0800, 0x0000, 0x0702
LEFT, REJOIN, SECURED_REJOIN = 2, 3, 0
PRECONFIGURED, DENIED, NOTHING = 0, 2, 3
ALLOW_REJOINS = 0x02
HOME = StreetPlan(meters=2, devices=2)


class TrustCentreHost(SmartEnergyHost):
    """The stock application with an Energy Services Interface that answers for key establishment, and nothing else."""

    authority: Authority
    own: int

    async def register_endpoints(self) -> None:
        await self.add_endpoint(
            zdo_t.SimpleDescriptor(
                endpoint=1,
                profile=0x0109,
                device_type=0x0500,
                device_version=0,
                input_clusters=[BASIC, KEY_ESTABLISHMENT],
                output_clusters=[METERING, KEY_ESTABLISHMENT],
            )
        )

    def trusts(self, street: ZigBeeStreet, authority: Authority | None = None) -> None:
        """Be ready to establish keys, with a street's own certificates or with somebody else's."""
        issuer = authority or street.authority
        identities = [files.read(issuer.issue(street.memory.eui64, suite).as_file()) for suite in (1, 2)]
        self.desk = Responders(identities, SeededDice(3))
        self.street = street
        self.suites: list[int] = []
        self.answering: set[asyncio.Task[None]] = set()

    def packet_received(self, packet: t.ZigbeePacket) -> None:
        if packet.profile_id == 0x0109 and packet.cluster_id == KEY_ESTABLISHMENT:
            task = asyncio.create_task(self._establish(packet))
            self.answering.add(task)
            task.add_done_callback(self.answering.discard)
        else:
            super().packet_received(packet)

    async def _establish(self, packet: t.ZigbeePacket) -> None:
        payload = packet.data.serialize()
        assert packet.src is not None
        assert isinstance(packet.src.address, t.NWK)
        node = self.street.radio.at(packet.src.address)
        assert node is not None
        if payload[2] == 0 and payload[0] & 3 == 0:
            await self.reply(node.nwk, bytes((0x18, payload[1], 1, 0, 0, 0, 0x31, 3, 0)))
            return
        if payload[2] == 0:
            self.suites.append(payload[3])
        partner = Eui64(f"{node.eui64:016X}")
        reaction = self.desk.receive(partner, Frame(payload[2], payload[3:]), payload[1], 0.0)
        for event in reaction.events:
            if isinstance(event, KeyEstablished):
                eui64 = t.EUI64(node.eui64.to_bytes(8, "little"))
                key = t.KeyData(event.link_key.reveal())
                await self._ezsp.importLinkKey(index=0xFF, address=eui64, key=key)
        for frame in reaction.frames:
            await self.reply(node.nwk, bytes((0x19, payload[1], frame.command)) + frame.body)

    async def reply(self, nwk: int, payload: bytes) -> None:
        fields: dict[str, Any] = {
            "src_ep": 1, "dst_ep": 1, "tsn": payload[1], "profile_id": 0x0109, "cluster_id": KEY_ESTABLISHMENT,
        }  # fmt: skip
        await self.send_packet(
            t.ZigbeePacket(
                src=address(t.AddrMode.NWK, 0),
                dst=address(t.AddrMode.NWK, nwk),
                data=t.SerializableBytes(payload),
                tx_options=t.TransmitOptions.ACK,
                **fields,
            )
        )


async def joined(street: ZigBeeStreet, host: TrustCentreHost, number: int = 0) -> Device:
    """Let a home's device in, and switch it on."""
    device = list(street.home_devices())[number]
    await host.let_in(device.eui64, link_key_of(device.install_code))
    return street.power_on(device.eui64)


async def registered(street: ZigBeeStreet, host: TrustCentreHost, number: int = 0) -> Device:
    device = await joined(street, host, number)
    await asyncio.wait_for(device.reached(Stage.REGISTERED), 10)
    return device


@pytest.mark.parametrize(
    ("version", "suites", "suite"), [(13, (1, 2), 2), (14, (1, 2), 2), (19, (1, 2), 2), (14, (1,), 1)]
)
async def test_a_device_establishes_a_key_by_the_best_suite_that_both_have(
    version: int, suites: tuple[int, ...], suite: int, stand: Standing, connect: Connect
) -> None:
    street, port = await stand(StreetPlan(meters=2, devices=1, version=version, suites=suites))
    host = await connect(port, kind=TrustCentreHost)
    host.trusts(street)
    device = await registered(street, host)
    assert host.suites == [suite]
    shared = street.coprocessor.keys.authorised(device.node.eui64)
    assert shared is not None
    assert shared.key == device.node.link_key
    assert device.node.link_key != device._own_key


async def test_a_secured_cluster_is_refused_before_the_key_is_established_and_answers_after(
    stand: Standing, connect: Connect
) -> None:
    street, port = await stand(HOME)
    host = await connect(port, kind=TrustCentreHost)
    host.trusts(street)
    device = await joined(street, host)
    await asyncio.wait_for(device.reached(Stage.JOINED), 5)
    await host.meet(device.node)
    early = await host.ask(device.node, METERING, "00 02 00 0000", encrypted=True)
    assert early.data.serialize() == bytes((0x18, 0x02, zcl.DEFAULT_RESPONSE, 0x00, NOT_AUTHORISED))
    await asyncio.wait_for(device.reached(Stage.REGISTERED), 10)
    plain = await host.ask(device.node, METERING, "00 03 00 0000")
    assert plain.data.serialize()[-1] == NOT_AUTHORISED
    late = await host.ask(device.node, METERING, "00 04 00 0000", encrypted=True)
    assert late.data.serialize()[-1] == zcl.UNSUPPORTED_CLUSTER
    assert t.TransmitOptions.APS_Encryption in late.tx_options


async def test_a_device_that_does_not_know_the_issuer_leaves(stand: Standing, connect: Connect) -> None:
    street, port = await stand(HOME)
    host = await connect(port, kind=TrustCentreHost)
    host.trusts(street, Authority(SeededDice(99), name=0xAA))
    device = await joined(street, host)
    await asyncio.wait_for(device.reached(Stage.LEFT), 10)
    joins = await host.joins(2)
    assert joins[-1] == (device.node.eui64, LEFT, NOTHING)
    assert device.node.network_key is None
    assert street.radio.named(device.node.eui64) is None


async def test_a_device_leaves_when_it_is_told_to(stand: Standing, connect: Connect) -> None:
    street, port = await stand(HOME)
    host = await connect(port, kind=TrustCentreHost)
    host.trusts(street)
    device = await registered(street, host)
    eui64 = t.EUI64(device.node.eui64.to_bytes(8, "little"))
    (status,) = await host.devices[eui64].zdo.Mgmt_Leave_req(eui64, 0)
    assert status == 0
    await asyncio.wait_for(device.reached(Stage.LEFT), 5)
    assert (await host.joins(2))[-1] == (device.node.eui64, LEFT, NOTHING)


@pytest.mark.parametrize("keeps_key", [True, False])
async def test_a_device_is_removed_only_under_its_key(keeps_key: bool, stand: Standing, connect: Connect) -> None:
    street, port = await stand(HOME)
    host = await connect(port, kind=TrustCentreHost)
    host.trusts(street)
    device = await registered(street, host)
    eui64 = t.EUI64(device.node.eui64.to_bytes(8, "little"))
    if not keeps_key:
        await host._ezsp.clearKeyTable()
        await host._ezsp.clearTransientLinkKeys()
    await host._ezsp.removeDevice(destShort=device.node.nwk, destLong=eui64, targetLong=eui64)
    joins = await host.joins(2 if keeps_key else 1)
    assert ((device.node.eui64, LEFT, NOTHING) in joins) is keeps_key
    assert (street.radio.named(device.node.eui64) is None) is keeps_key


async def new_network_key(host: TrustCentreHost) -> None:
    assert (await host._ezsp.broadcastNextNetworkKey(key=t.KeyData(bytes(range(16)))))[0] == 0
    assert (await host._ezsp.broadcastNetworkKeySwitch())[0] == 0


async def test_everybody_who_hears_goes_along_with_a_new_network_key(stand: Standing, connect: Connect) -> None:
    street, port = await stand(HOME)
    host = await connect(port, kind=TrustCentreHost)
    host.trusts(street)
    device = await registered(street, host)
    await new_network_key(host)
    assert [list(args) for args in await host.told("switchNetworkKeyHandler", 1)] == [[1]]
    assert street.memory.network is not None
    assert street.memory.network.network_key == bytes(range(16))
    for node in street.radio.members():
        assert node.network_key == street.memory.network.key
    await host.ask(device.node, BASIC, "00 01 00 0400")


async def test_a_switch_without_a_new_key_is_refused(stand: Standing, connect: Connect) -> None:
    _, port = await stand(HOME)
    host = await connect(port, kind=TrustCentreHost)
    assert (await host._ezsp.broadcastNetworkKeySwitch())[0] != 0


@pytest.mark.parametrize("allowed", [True, False])
async def test_a_device_that_missed_the_new_network_key_comes_back_if_the_policy_allows(
    allowed: bool, stand: Standing, connect: Connect, clock: HandClock
) -> None:
    street, port = await stand(HOME)
    host = await connect(port, kind=TrustCentreHost)
    host.trusts(street)
    device = await registered(street, host)
    await device.power_off()
    await new_network_key(host)
    await host._ezsp.setPolicy(policyId=0, decisionId=ALLOW_REJOINS if allowed else 0)
    device.power_on()
    if allowed:
        await asyncio.wait_for(device.reached(Stage.REGISTERED), 5)
        assert (await host.joins(2))[-1] == (device.node.eui64, REJOIN, PRECONFIGURED)
        await host.ask(device.node, METERING, "00 04 00 0000", encrypted=True)
        return
    for _ in range(2):
        await clock.until_asleep(0.25)
        clock.forward(0.25)
    await asyncio.wait_for(device.reached(Stage.GAVE_UP), 5)
    assert (await host.joins(4))[1:] == [(device.node.eui64, REJOIN, DENIED)] * 3


async def test_a_device_without_an_established_key_does_not_come_back(
    stand: Standing, connect: Connect, clock: HandClock
) -> None:
    street, port = await stand(HOME)
    host = await connect(port, kind=SmartEnergyHost)
    device = await joined(street, host)
    await asyncio.wait_for(device.reached(Stage.JOINED), 5)
    await device.power_off()
    await new_network_key(host)
    await host._ezsp.setPolicy(policyId=0, decisionId=ALLOW_REJOINS)
    device.power_on()
    assert (await host.joins(2))[-1] == (device.node.eui64, REJOIN, DENIED)


async def test_a_device_that_was_without_power_comes_back_with_its_network_key(
    stand: Standing, connect: Connect
) -> None:
    street, port = await stand(HOME)
    host = await connect(port, kind=TrustCentreHost)
    host.trusts(street)
    device = await registered(street, host)
    await device.power_off()
    device.power_on()
    await asyncio.wait_for(device.reached(Stage.REGISTERED), 5)
    assert (await host.joins(2))[-1] == (device.node.eui64, SECURED_REJOIN, NOTHING)


async def test_a_meter_that_missed_the_new_network_key_is_met_and_comes_back(stand: Standing, connect: Connect) -> None:
    street, port = await stand(HOME)
    host = await connect(port, kind=TrustCentreHost)
    node = street.radio.named(int(street.premises[0].eui64, 16))
    assert node is not None
    old = node.network_key
    await new_network_key(host)
    node.network_key = old
    await host._ezsp.setPolicy(policyId=0, decisionId=ALLOW_REJOINS)
    task = asyncio.create_task(host.tell(node, BASIC, "00 01 00 0400"))
    assert (await host.joins(1))[-1] == (node.eui64, REJOIN, PRECONFIGURED)
    assert node.network_key != old
    task.cancel()


async def test_a_frame_that_was_before_is_dropped_and_counted(stand: Standing, connect: Connect) -> None:
    street, port = await stand(HOME)
    host = await connect(port, kind=TrustCentreHost)
    host.trusts(street)
    device = await registered(street, host)
    node, counters = device.node, street.coprocessor.settings.counters
    message = node.compose(
        cluster=METERING, payload=b"\x09\x01\x0b\x00\x00", endpoints=(1, 1), encrypted=True, destination=0
    )
    assert street.coprocessor.messages.heard(message, node)
    assert not street.coprocessor.messages.heard(message, node)
    assert counters[REPLAYED] == 1
    node.link_key = bytes(16)
    assert not street.coprocessor.messages.heard(
        node.compose(cluster=METERING, payload=b"\x09\x01\x0b\x00\x00", endpoints=(1, 1), encrypted=True), node
    )
    assert counters[UNDECRYPTED] == 1


async def test_the_key_table_can_be_too_full_for_one_more(stand: Standing, connect: Connect) -> None:
    street, port = await stand(StreetPlan(meters=0, devices=0, key_table_size=12))
    host = await connect(port, kind=SmartEnergyHost)
    for number in range(13):
        eui64 = t.EUI64(number.to_bytes(8, "little"))
        (status,) = await host._ezsp.importLinkKey(index=0xFF, address=eui64, key=t.KeyData(bytes(16)))
        assert int(status) == (0 if number < 12 else 0x1C)
    assert len(street.memory.link_keys) == 12
