"""The one table of what travels where: message class, type name, direction, channel, retained.

A topic is `metergate/1/{direction}/{gateway}/{channel}`. The direction stands before the gateway, so that a broker's
access list is two lines: a gateway writes `metergate/1/up/{its id}/#` and reads `metergate/1/down/{its id}/#`.

Beside it, each TDSP tells its notices on `metergate/1/market/{its DUNS number}`, which nobody else writes.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType

from gateway.collected import IntervalsCollected, RegistersCollected, RegistersReported
from gateway.errors import BadIdentifier
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
from gateway.identifiers import Duns, GatewayId
from gateway.messages import (
    AssignMeter,
    CommandEnded,
    GatewayState,
    Message,
    ReadEnded,
    ReadProgressed,
    Receipt,
    RequestRead,
    WithdrawMeter,
)
from mqtt.refusals import Cause, Refused

VERSION = 1
"""The version of topics and envelope; another one is another topic tree."""

ROOT = f"metergate/{VERSION}"
MARKET = f"{ROOT}/market"
"""Below it, each TDSP's own topic; the portals subscribe to all of them."""
MARKET_SUBSCRIPTION = f"{MARKET}/+"
_CHANNEL = re.compile(r"[a-z][a-z0-9_]{0,31}")
_LONGEST = 128


class Direction(StrEnum):
    """Up is from a gateway to the portals, down from a portal to one gateway."""

    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One row: what a message class is called on the wire and where it travels."""

    message: type[Message]
    name: str
    direction: Direction
    channel: str
    retained: bool = False


TABLE: tuple[Kind, ...] = (
    Kind(message=RequestRead, name="RequestRead", direction=Direction.DOWN, channel="reads"),
    Kind(message=Receipt, name="Receipt", direction=Direction.DOWN, channel="receipts"),
    Kind(message=JoinDevice, name="JoinDevice", direction=Direction.DOWN, channel="devices"),
    Kind(message=RemoveDevice, name="RemoveDevice", direction=Direction.DOWN, channel="devices"),
    Kind(message=RekeyDevice, name="RekeyDevice", direction=Direction.DOWN, channel="devices"),
    Kind(message=PingDevice, name="PingDevice", direction=Direction.DOWN, channel="devices"),
    Kind(message=DescribeDevice, name="DescribeDevice", direction=Direction.DOWN, channel="devices"),
    Kind(message=SendNotice, name="SendNotice", direction=Direction.DOWN, channel="devices"),
    Kind(message=RotateNetworkKey, name="RotateNetworkKey", direction=Direction.DOWN, channel="networks"),
    Kind(message=AssignMeter, name="AssignMeter", direction=Direction.DOWN, channel="meters"),
    Kind(message=WithdrawMeter, name="WithdrawMeter", direction=Direction.DOWN, channel="meters"),
    Kind(message=ReadProgressed, name="ReadProgressed", direction=Direction.UP, channel="reads"),
    Kind(message=ReadEnded, name="ReadEnded", direction=Direction.UP, channel="reads"),
    Kind(message=CommandEnded, name="CommandEnded", direction=Direction.UP, channel="commands"),
    Kind(message=DeviceChanged, name="DeviceChanged", direction=Direction.UP, channel="devices"),
    Kind(message=DeviceReported, name="DeviceReported", direction=Direction.UP, channel="devices"),
    Kind(message=IntervalsCollected, name="IntervalsCollected", direction=Direction.UP, channel="intervals"),
    Kind(message=RegistersCollected, name="RegistersCollected", direction=Direction.UP, channel="registers"),
    Kind(message=RegistersReported, name="RegistersReported", direction=Direction.UP, channel="registers"),
    Kind(message=GatewayState, name="GatewayState", direction=Direction.UP, channel="state", retained=True),
)

KINDS: Mapping[type[Message], Kind] = MappingProxyType({kind.message: kind for kind in TABLE})
"""The table by message class."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A topic's three variable parts."""

    direction: Direction
    gateway: GatewayId
    channel: str

    def __str__(self) -> str:
        return f"{ROOT}/{self.direction}/{self.gateway}/{self.channel}"


def format_topic(gateway: GatewayId, kind: Kind) -> str:
    """The topic on which a kind of message travels to or from a gateway."""
    return f"{ROOT}/{kind.direction}/{gateway}/{kind.channel}"


@lru_cache(maxsize=65_536)
def parse_topic(text: str) -> Topic:
    """A topic's parts. Raises Refused unless it is exactly what format_topic could have written."""
    parts = text.split("/") if len(text) <= _LONGEST else []
    if len(parts) != 5 or "/".join(parts[:2]) != ROOT or not _CHANNEL.fullmatch(parts[4]):
        raise Refused(Cause.WRONG_TOPIC, f"{text[:_LONGEST]!r} is not {ROOT}/direction/gateway/channel")
    try:
        return Topic(direction=Direction(parts[2]), gateway=GatewayId(parts[3]), channel=parts[4])
    except (ValueError, BadIdentifier):
        raise Refused(Cause.WRONG_TOPIC, f"{text!r} names no direction or no gateway") from None


def market_topic(tdsp: Duns) -> str:
    """The topic on which a TDSP tells its notices."""
    return f"{MARKET}/{tdsp}"


def is_of_market(topic: str) -> bool:
    """Whether a topic is one of the market's, well formed or not."""
    return topic.startswith(f"{MARKET}/")


def parse_market_topic(text: str) -> Duns:
    """The TDSP of a topic of the market. Raises Refused unless it is exactly what market_topic could have written."""
    try:
        return Duns(text.removeprefix(f"{MARKET}/"))
    except BadIdentifier:
        raise Refused(Cause.WRONG_TOPIC, f"{text[:_LONGEST]!r} names no TDSP by its DUNS number") from None


def may_tell(tdsp: Duns, topic: str) -> bool:
    """The access list's rule for a TDSP: it writes its own topic, and reads nothing."""
    return topic == market_topic(tdsp)


def subscription(party: GatewayId | None) -> str:
    """What a party subscribes to: a gateway what comes down to it, a portal (None) what comes up from all."""
    return f"{ROOT}/{Direction.UP}/+/#" if party is None else f"{ROOT}/{Direction.DOWN}/{party}/#"


def may_write(party: GatewayId | None, topic: str) -> bool:
    """The access list's rule for publishing: a gateway up from itself, a portal (None) down to anyone."""
    prefix = f"{ROOT}/{Direction.DOWN}/" if party is None else f"{ROOT}/{Direction.UP}/{party}/"
    return topic.startswith(prefix)


def may_read(party: GatewayId | None, topic: str) -> bool:
    """The access list's rule for receiving and for filters: a gateway what comes down to it, a portal what comes up.

    A portal receives the market's notices too.
    """
    if party is None:
        return topic.startswith((f"{ROOT}/{Direction.UP}/", f"{MARKET}/"))
    return topic.startswith(f"{ROOT}/{Direction.DOWN}/{party}/")
