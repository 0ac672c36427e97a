"""A host without a line that is a trust centre: it lets devices in, and establishes keys by the driver's hands."""

import asyncio
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import bellows.types as t  # type: ignore[import-untyped]  # bellows ships no types

from drivers.zigbee.cbke import files
from drivers.zigbee.cbke.exchange import Exchange, KeyEstablished, Reaction, Role
from drivers.zigbee.cbke.frames import Frame
from drivers.zigbee.cbke.responders import Responders
from drivers.zigbee.cbke.suites import SUITES
from gateway.clock import Clock
from gateway.dice import SeededDice
from gateway.identifiers import Eui64
from simulators.world import StreetPlan
from simulators.zigbee.install_code import link_key_of
from simulators.zigbee.life import Device
from simulators.zigbee.nodes import Node

from .test_coprocessor import RawHost

KEY_ESTABLISHMENT = 0x0800
Answer = Callable[[int, bytes], tuple[int, bytes] | None]


class Centre(RawHost):
    """A host without a line that is a trust centre: it lets devices in and establishes keys at once."""

    def __init__(self, plan: StreetPlan, clock: Clock, served: Mapping[int, Answer] = MappingProxyType({})) -> None:
        """served answers, by cluster, the commands of devices: their id and body in, those of the answer out."""
        super().__init__(plan, clock)
        self._served = served
        self.up_with_key_establishment()
        memory = self.street.memory
        own = self.street.authority
        self._identities = [files.read(own.issue(memory.eui64, suite).as_file()) for suite in (1, 2)]
        self._desk = Responders(self._identities, SeededDice(5))
        self._exchange: Exchange | None = None

    def up_with_key_establishment(self) -> None:
        self.raw(b"\x00\x00\x00\x04")
        self.ask("version", desiredProtocolVersion=self.street.plan.version)
        clusters = [KEY_ESTABLISHMENT, *self._served]
        self.ask(
            "addEndpoint",
            endpoint=1,
            profileId=0x0109,
            deviceId=0x0500,
            deviceVersion=0,
            inputClusterCount=len(clusters),
            outputClusterCount=len(clusters),
            inputClusterList=clusters,
            outputClusterList=clusters,
        )
        self.ask("networkInit", networkInitBitmask=0)

    def call_back(self, payload: bytes) -> bool:
        name, values = self.decode(payload)
        if name == "incomingMessageHandler" and values[1].clusterId == KEY_ESTABLISHMENT:
            asyncio.get_running_loop().call_soon(self._establish, values[1], values[2], bytes(values[-1]))
        elif name == "incomingMessageHandler" and values[1].clusterId in self._served and values[1].profileId:
            asyncio.get_running_loop().call_soon(self._serve, values[1], values[2], bytes(values[-1]))
        return super().call_back(payload)

    def _serve(self, aps: Any, nwk: int, payload: bytes) -> None:
        """Answer as we were asked, encrypted if that was."""
        answer = self._served[aps.clusterId](payload[2], payload[3:])
        if answer is not None:
            frame = self.frame(aps.clusterId, aps.sourceEndpoint, options=int(aps.options) & 0x60)
            assert self.unicast(nwk, frame, bytes((0x19, payload[1], answer[0])) + answer[1]) == 0

    def _establish(self, aps: Any, nwk: int, payload: bytes) -> None:
        node = self.street.radio.at(nwk)
        assert node is not None
        if payload[0] & 3 == 0:
            self._reply(aps, nwk, bytes((0x18, payload[1], 1, 0, 0, 0, 0x31, 3, 0)))
            return
        partner, frame = Eui64(f"{node.eui64:016X}"), Frame(payload[2], payload[3:])
        if payload[0] & 8:
            assert self._exchange is not None
            reaction = self._exchange.receive(frame, payload[1], self.clock.monotonic())
        else:
            reaction = self._desk.receive(partner, frame, payload[1], self.clock.monotonic())
        self._heed(reaction, aps, node, payload)

    def rekey(self, node: Node) -> None:
        """Ask a node that knows us for a new key."""
        self._exchange = Exchange(Role.INITIATOR, self._identities, Eui64(f"{node.eui64:016X}"), SeededDice(6))
        (first,) = self._exchange.start(SUITES[0], self.clock.monotonic()).frames
        aps = self.frame(KEY_ESTABLISHMENT, next(iter(node.endpoints)))
        assert self.unicast(node.nwk, aps, bytes((0x11, 1, first.command)) + first.body) == 0

    def frame(self, cluster: int, endpoint: int, options: int = 0x40, profile: int = 0x0109) -> Any:
        """An APS frame from our endpoint."""
        return t.EmberApsFrame(
            profileId=profile,
            clusterId=cluster,
            sourceEndpoint=1,
            destinationEndpoint=endpoint,
            options=t.EmberApsOption(options),
            groupId=0,
            sequence=0,
        )

    def _heed(self, reaction: Reaction, aps: Any, node: Node, payload: bytes) -> None:
        control, tsn = (0x11, payload[1] + 1) if payload[0] & 8 else (0x19, payload[1])
        for event in reaction.events:
            if isinstance(event, KeyEstablished):
                eui64 = t.EUI64(node.eui64.to_bytes(8, "little"))
                self.ask("importLinkKey", index=0xFF, address=eui64, key=t.KeyData(event.link_key.reveal()))
        for said in reaction.frames:
            self._reply(aps, node.nwk, bytes((control, tsn, said.command)) + said.body)

    def _reply(self, aps: Any, nwk: int, payload: bytes) -> None:
        frame = aps.replace(sourceEndpoint=1, destinationEndpoint=aps.sourceEndpoint, options=t.EmberApsOption(0x40))
        assert self.unicast(nwk, frame, payload) == 0

    def told(self, wanted: str) -> list[list[Any]]:
        """What callbacks of a name told."""
        return [values for name, values in map(self.decode, self.callbacks) if name == wanted]

    def expect(self, eui64: int, key: bytes) -> None:
        """Open the network for a device with its key."""
        address = t.EUI64(eui64.to_bytes(8, "little"))
        self.ask("importTransientKey", eui64=address, plaintext_key=t.KeyData(key), flags=0)
        self.ask("setPolicy", policyId=0, decisionId=0x11)
        self.ask("permitJoining", duration=250)

    def let_in(self, number: int = 0) -> Device:
        """Open the network for a home's device, and switch it on."""
        device = list(self.street.home_devices())[number]
        self.expect(int(device.eui64, 16), link_key_of(device.install_code))
        return self.street.power_on(device.eui64)
