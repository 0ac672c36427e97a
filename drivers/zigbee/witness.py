"""Who is told what happens on the network: the seam between the application and the trust centre's work."""

from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

import bellows.types as ezsp_t  # type: ignore[import-untyped]  # bellows ships no types
from zigpy.state import NetworkInfo

from drivers.zigbee.device import SmartEnergyDevice
from gateway.identifiers import Eui64


class Coming(Enum):
    """How a device comes: for the first time, back without the network key, or back with it."""

    JOIN = "join"
    UNSECURED_REJOIN = "unsecured rejoin"
    SECURED_REJOIN = "secured rejoin"


_COMINGS = {
    ezsp_t.EmberDeviceUpdate.STANDARD_SECURITY_UNSECURED_JOIN: Coming.JOIN,
    ezsp_t.EmberDeviceUpdate.STANDARD_SECURITY_UNSECURED_REJOIN: Coming.UNSECURED_REJOIN,
    ezsp_t.EmberDeviceUpdate.STANDARD_SECURITY_SECURED_REJOIN: Coming.SECURED_REJOIN,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinAttempt:
    """A device that came to the trust centre's door, and whether it was turned away."""

    device: Eui64
    nwk: int
    coming: Coming
    denied: bool

    @classmethod
    def of(cls, device: Eui64, nwk: int, update: Any, decision: Any) -> "JoinAttempt | None":
        """From the co-processor's words (EmberDeviceUpdate, EmberJoinDecision); None for a leave."""
        coming = _COMINGS.get(update)
        if coming is None:
            return None
        denied = decision == ezsp_t.EmberJoinDecision.DENY_JOIN
        return cls(device=device, nwk=int(nwk), coming=coming, denied=denied)

    @property
    def has_network_key(self) -> bool:
        """Whether the device proved that it has the network key; the others prove it by announcing themselves."""
        return self.coming is Coming.SECURED_REJOIN


class Witness(Protocol):
    """Told by the application, on the loop; none of it may block or raise."""

    def tried(self, attempt: JoinAttempt) -> None:
        """Somebody came to the door."""
        ...

    def announced(self, device: SmartEnergyDevice) -> None:
        """A node says that it is on the network, at its address."""
        ...

    def left(self, device: Eui64) -> None:
        """A node left."""
        ...

    def key_frame(self, device: SmartEnergyDevice, endpoint: int, data: bytes) -> None:
        """A node's endpoint sent a frame of key establishment."""
        ...

    def holds(self, device: Eui64) -> bool:
        """Whether a device's key is in the vault, so that no plain copy of it may go into a backup."""
        ...

    def completed(self, network: NetworkInfo) -> NetworkInfo:
        """A network that is to be written to a co-processor, with the vault's keys and counters."""
        ...


class Nobody:
    """The witness of a driver without home area networks: keys stay in the backups, strangers stay unknown."""

    def tried(self, attempt: JoinAttempt) -> None:
        """Nobody minds."""

    def announced(self, device: SmartEnergyDevice) -> None:
        """Nobody minds."""

    def left(self, device: Eui64) -> None:
        """Nobody minds."""

    def key_frame(self, device: SmartEnergyDevice, endpoint: int, data: bytes) -> None:
        """There is no certificate to answer with."""

    def holds(self, device: Eui64) -> bool:
        """There is no vault."""
        return False

    def completed(self, network: NetworkInfo) -> NetworkInfo:
        """There is nothing to add."""
        return network
