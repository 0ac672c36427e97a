"""The co-processor as a whole: EZSP commands in, responses and callbacks out, by its protocol version."""

from dataclasses import replace
from typing import Protocol

from gateway.clock import Clock
from simulators.zigbee.ezsp import Codec, Command, Fields, Refused, Status
from simulators.zigbee.ezsp_frames import STACK_VERSIONS
from simulators.zigbee.ncp.addresses import Addresses
from simulators.zigbee.ncp.keys import Keys
from simulators.zigbee.ncp.memory import Memory
from simulators.zigbee.ncp.messages import Messages
from simulators.zigbee.ncp.network import NetworkControl
from simulators.zigbee.ncp.settings import Answer, Settings
from simulators.zigbee.ncp.sizes import SHIPPED, Sizes
from simulators.zigbee.ncp.trust_centre import TrustCentre
from simulators.zigbee.octets import Malformed
from simulators.zigbee.radio import Radio

_MESH_STACK = 2


class Wire(Protocol):
    """Where a co-processor's frames go; nowhere while no host is connected."""

    def respond(self, payload: bytes) -> None:
        """Send a response."""
        ...

    def call_back(self, payload: bytes) -> bool:
        """Send a callback; False if it was lost because too many wait."""
        ...


class Coprocessor:
    """One network co-processor with its radio. version is the EZSP version that it speaks; key_table_size, if given,
    stands for the size of that one table."""

    def __init__(
        self,
        memory: Memory,
        radio: Radio,
        clock: Clock,
        version: int = 14,
        key_table_size: int | None = None,
        sizes: Sizes = SHIPPED,
        key_switch_s: float = 0.0,
    ) -> None:
        self._codec = Codec(version)
        self._wire: Wire | None = None
        self._negotiated = self._overflow = False
        self._sequence = 0
        if key_table_size is not None:
            sizes = replace(sizes, link_keys=key_table_size)
        self.settings = Settings(memory, version, sizes)
        self.keys = Keys(memory, self.settings, clock, sizes)
        self.network = NetworkControl(memory, self.settings, radio, self._emit)
        self.addresses = Addresses(self.settings)
        self.messages = Messages(
            memory=memory,
            settings=self.settings,
            network=self.network,
            keys=self.keys,
            addresses=self.addresses,
            radio=radio,
            clock=clock,
            emit=self._emit,
        )
        self.trust_centre = TrustCentre(
            memory=memory,
            settings=self.settings,
            network=self.network,
            keys=self.keys,
            radio=radio,
            clock=clock,
            emit=self._emit,
            key_switch_s=key_switch_s,
        )
        radio.attach(self.messages, self.trust_centre)
        self._answers: dict[str, Answer] = {"version": self._version}
        for part in self._parts:
            self._answers |= part.answers

    @property
    def _parts(self) -> tuple[Settings | Keys | NetworkControl | Addresses | Messages | TrustCentre, ...]:
        return (self.settings, self.keys, self.network, self.addresses, self.messages, self.trust_centre)

    def connect(self, wire: Wire | None) -> None:
        """Speak to this host from now on, as after power-on."""
        self._wire = wire
        self.reset()

    def reset(self) -> None:
        """Start over: the host must agree on a version and resume the network again."""
        self._negotiated = self._overflow = False
        self._sequence = 0
        for part in self._parts:
            part.reset()

    def receive(self, payload: bytes) -> None:
        """Carry out one command from the host; what is no command at all is ignored."""
        try:
            command = self._codec.decode(payload)
        except Malformed:
            return
        self._sequence = command.sequence
        if isinstance(command, Refused):
            self._refuse(command.sequence, command.status)
        elif not self._negotiated and command.name != "version":
            self._refuse(command.sequence, Status.VERSION_NOT_SET)
        elif command.name not in self._answers:
            self._refuse(command.sequence, Status.INVALID_FRAME)
        else:
            self._carry_out(command)

    def _carry_out(self, command: Command) -> None:
        """The response is queued before the callbacks, which go out after it whenever they were made."""
        fields = self._answers[command.name](command.fields)
        if command.legacy:
            self._respond(self._codec.legacy_version(command.sequence, fields))
        else:
            self._respond(self._codec.response(command.sequence, command.name, fields, self._overflow))
            self._overflow = False

    def _refuse(self, sequence: int, status: Status) -> None:
        self._respond(self._codec.response(sequence, "invalidCommand", {"status": status}))

    def _respond(self, payload: bytes) -> None:
        if self._wire is not None:
            self._wire.respond(payload)

    def _emit(self, name: str, fields: Fields) -> None:
        if self._wire is not None and not self._wire.call_back(self._codec.callback(self._sequence, name, fields)):
            self._overflow = True

    def _version(self, fields: Fields) -> Fields:
        version = self._codec.version
        self._negotiated = fields["desired"] == version
        return {"protocol": version, "stack_type": _MESH_STACK, "stack_version": STACK_VERSIONS[version]}
