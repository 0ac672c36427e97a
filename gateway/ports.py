"""The seams: what a driver, a bus and a journal are. Nothing else is swappable."""

from collections.abc import Awaitable, Callable, Container, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gateway.errors import FailureReason
from gateway.han.notices import Heard, Notice
from gateway.han.words import DeviceInfo, Membership, Stage
from gateway.identifiers import Duns, Eui64, GatewayId, MeterNumber, RequestId
from gateway.keys import InstallCode
from gateway.market_notices import MarketNotices
from gateway.messages import Mark, Message, OutcomeStatus, ReadEnded, Report, RequestRead, UnknownReport
from gateway.read_policy import ReadLimits
from gateway.reads import Age, Direction, FrozenRegisters, LoadProfile, RegisterRead


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """Which driver reaches a meter, and the address that means it there (for ZigBee its EUI-64)."""

    meter: MeterNumber
    driver: str
    address: str


class Driver(Protocol):
    """One radio or one line of meters."""

    async def run(self) -> None:
        """Live through one connection: open it, serve reads, raise LinkLost when it is gone.

        Whoever runs a driver calls this again after a pause; cancelling it closes the connection.
        """
        ...

    @property
    def up(self) -> bool:
        """Whether a connection is open and reads can succeed."""
        ...

    @property
    def home(self) -> "HomeNetwork | None":
        """Its home area networks, None if its meters have none."""
        ...

    @property
    def profiles(self) -> "LoadProfileSource | None":
        """Its meters' own logs, None if they keep none."""
        ...

    @property
    def reporting(self) -> "RegisterReporting | None":
        """Its meters' own reports of their registers, None if they make none."""
        ...

    async def read(self, assignment: Assignment, timeout_s: float) -> RegisterRead:
        """Read a meter's registers within timeout_s seconds, waiting for a connection if there is none.

        Raises a Fault: Unreachable at the time-out, LinkLost, BadReading, Unsupported or Unauthorised.
        """
        ...


class LoadProfileSource(Protocol):
    """What a Driver offers beside reads, if its meters keep their own interval logs and frozen registers."""

    async def profile(
        self, assignment: Assignment, direction: Direction, before: datetime | None, count: int, timeout_s: float
    ) -> LoadProfile:
        """The count intervals that end at or before an instant (None: the newest), or as many as the meter still has.

        It asks in as many frames as that takes. Raises a Fault as read() does; Unsupported if the meter keeps no log.
        """
        ...

    async def frozen(self, assignment: Assignment, timeout_s: float) -> FrozenRegisters:
        """The registers as the meter froze them at its last daily freeze time. Raises a Fault as read() does."""
        ...


class RegisterReporting(Protocol):
    """What a Driver offers beside reads, if its meters can be asked to report their registers by themselves."""

    async def agree(self, assignment: Assignment, every_s: int, timeout_s: float) -> None:
        """Ask a meter to report its registers every so many seconds, 1 to 65,534, from now on.

        Raises a Fault as read() does; Unsupported if the meter does not report them.
        """
        ...

    def agreed(self, assignment: Assignment) -> bool:
        """Whether a meter agreed over the connection that stands, and did not come back to the network since."""
        ...

    def listen(self, listener: Callable[[RegisterRead], None]) -> None:
        """Name who is told of every whole report of a meter that agreed; there is one, and it must not block."""
        ...


Told = Callable[[Stage, str], Awaitable[None]]
"""Awaited at each stage that a join reaches, with a detail for people; it is on disk when it returns."""


class HomeNetwork(Protocol):
    """What gateway.ports.Driver offers beside reads, if its radio forms home area networks.

    Every call waits for a connection if there is none, and raises HanFault with its cause, or LinkLost.
    """

    async def join(self, device: Eui64, code: InstallCode, window_s: int, told: Told) -> DeviceInfo:
        """Bring a device onto the network, from KEY_INSTALLED to REGISTERED: its own key, a window of 1 to 254 s,
        interview, key establishment. However it ends, the network is closed again and its key of the code erased.
        """
        ...

    async def membership(self, device: Eui64) -> Membership:
        """What the trust centre knows of a device, without asking it: asked before a join or removal repeats."""
        ...

    async def remove(self, device: Eui64, timeout_s: float) -> bool:
        """Tell a device to leave, and forget its keys whether it answers or not; one that is unknown is removed.

        Returns whether nothing of it is left: one that did not say that it leaves still has the network key.
        """
        ...

    async def rekey(self, device: Eui64, timeout_s: float) -> DeviceInfo:
        """Establish a new link key with a registered device."""
        ...

    async def ping(self, device: Eui64, timeout_s: float) -> float:
        """Ask a device for a sign of life; returns the seconds until it came."""
        ...

    async def describe(self, device: Eui64, timeout_s: float) -> DeviceInfo:
        """Ask a device about itself anew."""
        ...

    async def rotate(self, request: RequestId, timeout_s: float) -> int:
        """Give the network a new network key: broadcast it, wait, switch to it. Returns its sequence number.

        The latest request's change is recognised by that number and not made again, a crash in between included.
        """
        ...

    async def send(self, device: Eui64, notice: Notice, timeout_s: float) -> None:
        """Tell a device, and remember it as the answer to the device's own questions until it is over.

        Returns when the device has acknowledged the frame.
        """
        ...

    def remember(self, device: Eui64, notice: Notice) -> None:
        """Remember a notice without sending it, as after a restart; the device learns of it when it asks."""
        ...

    def listen(self, listener: Callable[[Heard], None]) -> None:
        """Name who is told what devices say by themselves; there is one, and it must not block."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A message as it arrived, with the gateway whose topic carried it: the broker vouches for that name.

    sent_at is the sender's clock when it was sent, None where the bus does not say. As nothing is kept for those who
    are away, it is the sender's clock of just now.
    """

    gateway: GatewayId
    message: Message | UnknownReport
    sent_at: datetime | None = None


Handler = Callable[[Sequence[Delivery]], Awaitable[None]]
"""Takes what has arrived, in order; the messages are acknowledged when it returns. May see a message twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketDelivery:
    """Notices as they arrived, with the DUNS number of the TDSP whose topic carried them: the broker vouches for it."""

    tdsp: Duns
    message: MarketNotices


MarketHandler = Callable[[Sequence[MarketDelivery]], Awaitable[None]]
"""Takes the market's notices as a Handler takes what gateways say."""


class Bus(Protocol):
    """The pipe between gateways and portals: at least once, in order per sender, nothing kept."""

    async def run(
        self,
        handler: Handler,
        greet: Callable[[], Awaitable[None]],
        last_words: tuple[GatewayId, Message] | None = None,
        market: MarketHandler | None = None,
    ) -> None:
        """Live through one connection: subscribe, await greet(), hand over what arrives, raise LinkLost when it ends.

        last_words is published by the broker if this side vanishes. market is a portal's handler of TDSPs' notices;
        without one it hears none. Cancelling it disconnects cleanly.
        """
        ...

    @property
    def up(self) -> bool:
        """Whether a connection is open."""
        ...

    async def publish(self, gateway: GatewayId, message: Message) -> None:
        """Send a message to or from that gateway; returns when the broker has it. Raises LinkLost."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """The request is ours to execute, once; accepted_at starts its hour if it succeeds."""

    request: RequestRead
    accepted_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The request has an outcome already, now or from before: tell it again."""

    outcome: ReadEnded


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """The same request is being executed at this moment: nothing to do."""

    request: RequestRead


Claim = Claimed | Ended | Running


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """What became of a claim, before the journal has numbered it."""

    id: RequestId
    status: OutcomeStatus
    reason: FailureReason | None
    detail: str
    on_air_at: datetime | None
    ended_at: datetime
    read: RegisterRead | None
    age: Age | None


class Journal(Protocol):
    """What a gateway was asked, granted and did. Every call is one durable transaction."""

    async def claim(
        self, requests: Sequence[RequestRead], now: datetime, limits: ReadLimits, known: Container[MeterNumber]
    ) -> list[Claim]:
        """Decide and record requests before the radio is touched, in order; a repeated id is recognised.

        A meter that is not in known, a limit, another request of the meter in flight or a deadline already past ends
        a request here and now.
        """
        ...

    async def end(self, finished: Sequence[Finished], limits: ReadLimits) -> list[ReadEnded]:
        """Record what became of claims; returns their numbered outcomes. A claim ended before keeps its outcome."""
        ...

    async def interrupt(self, now: datetime, limits: ReadLimits) -> list[ReadEnded]:
        """End every claim found open at start as interrupted: it may or may not have reached the meter."""
        ...

    async def unreceipted(self, limit: int) -> list[Report]:
        """The oldest reports of any kind that the portal has not receipted, in the order of their marks."""
        ...

    async def receipt(self, mark: Mark) -> None:
        """Repeat nothing up to and including this mark; one of another journal is ignored."""
        ...

    async def receipted(self) -> Mark | None:
        """The last mark that is not repeated any more, None if there is none yet."""
        ...

    async def prune(self, before: datetime) -> int:
        """Drop receipted requests that ended before an instant; returns how many."""
        ...
