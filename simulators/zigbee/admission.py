"""Who may join a network, as a trust centre decides it from its policy, and what a device is told (pure).

Source: ZigBee specification 05-3474, section 4.6.3; Silicon Labs UG100, EzspDecisionBitmask and EmberJoinDecision.
"""

from dataclasses import dataclass, field
from enum import IntEnum, IntFlag

from simulators.zigbee.air.nwk import NetworkKey


class Policy(IntFlag):
    """The trust centre's policy."""

    ALLOW_JOINS = 0x01
    ALLOW_UNSECURED_REJOINS = 0x02
    SEND_KEY_IN_CLEAR = 0x04
    IGNORE_UNSECURED_REJOINS = 0x08
    JOINS_USE_INSTALL_CODE_KEY = 0x10
    DEFER_JOINS = 0x20


class Update(IntEnum):
    """What a device did, as the trust centre's host is told."""

    SECURED_REJOIN = 0
    UNSECURED_JOIN = 1
    DEVICE_LEFT = 2
    UNSECURED_REJOIN = 3


class Decision(IntEnum):
    """What the trust centre does about it."""

    USE_PRECONFIGURED_KEY = 0
    SEND_KEY_IN_THE_CLEAR = 1
    DENY_JOIN = 2
    NO_ACTION = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Beacon:
    """What a network says of itself to who scans for one."""

    pan_id: int
    extended_pan_id: int
    channel: int
    permits_joining: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Transport:
    """The network key on its way to a device, sealed under a link key; None: readable by everybody.

    centre is the EUI-64 of the trust centre that sends it.
    """

    network_key: NetworkKey
    centre: int
    key: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Association:
    """A place beside a parent: an address, and the network key if the trust centre sent it."""

    nwk: int
    transport: Transport | None


def decide(policy: int, update: Update, *, transient: bool, authorised: bool) -> Decision:
    """What becomes of a device that asks to be let in.

    transient: a key waits for its joining; authorised: it has a link key in the key table. A device that rejoins
    without the network key is let in by the latter alone, whatever keys wait.
    """
    if update is Update.UNSECURED_JOIN:
        wanted = policy & Policy.JOINS_USE_INSTALL_CODE_KEY and not transient
        if not policy & Policy.ALLOW_JOINS or wanted:
            return Decision.DENY_JOIN
        if policy & Policy.DEFER_JOINS:
            return Decision.NO_ACTION
        clear = policy & Policy.SEND_KEY_IN_CLEAR
        return Decision.SEND_KEY_IN_THE_CLEAR if clear else Decision.USE_PRECONFIGURED_KEY
    if update is not Update.UNSECURED_REJOIN or policy & Policy.IGNORE_UNSECURED_REJOINS:
        return Decision.NO_ACTION
    allowed = policy & Policy.ALLOW_UNSECURED_REJOINS and authorised
    return Decision.USE_PRECONFIGURED_KEY if allowed else Decision.DENY_JOIN
