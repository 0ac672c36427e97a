"""A home network over a dictionary: devices wait outside with their codes, join in stages, answer, fail on demand."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from gateway.clock import Clock
from gateway.han.messages import (
    DescribeDevice,
    DeviceCommand,
    JoinDevice,
    PingDevice,
    RekeyDevice,
    RemoveDevice,
    SendNotice,
)
from gateway.han.notices import Heard, Notice
from gateway.han.sealing import Place, public_text, seal
from gateway.han.states import STEPS
from gateway.han.words import Cause, DeviceInfo, DeviceType, HanFault, Membership, Stage
from gateway.identifiers import Eui64, MeterNumber, RequestId
from gateway.keys import InstallCode
from gateway.ports import HomeNetwork, Told
from tests.gateway.fakes import GATEWAY, METER

DEVICE, SECOND = Eui64("000D6F0007A0B1C2"), Eui64("000D6F0007A0B1C3")
CODE = InstallCode.checked(bytes.fromhex("83fed3407a939723a5c639b26916d505"))
SEALING = bytes(range(32))
_ORDINARY = {RemoveDevice, PingDevice, RekeyDevice, DescribeDevice}


def number(of: int) -> RequestId:
    """A request id that is a number."""
    return RequestId(f"00000000-0000-7000-8000-{of:012x}")


def sealed(request: RequestId, device: Eui64 = DEVICE, code: InstallCode = CODE) -> str:
    """A code as the portal would seal it to this gateway."""
    place = Place(gateway=GATEWAY, device=device, request=request)
    return seal(code, public_text(SEALING), place, bytes(range(100, 132)))


def join(of: int, at: datetime, device: Eui64 = DEVICE, meter: MeterNumber = METER, window_s: int = 60) -> JoinDevice:
    """A join whose id is its number."""
    return JoinDevice(
        id=number(of),
        meter=meter,
        device=device,
        sealed_code=sealed(number(of), device),
        window_s=window_s,
        requested_at=at,
        deadline_at=at + timedelta(seconds=300),
    )


def ask(
    kind: type[RemoveDevice] | type[PingDevice] | type[RekeyDevice] | type[DescribeDevice],
    of: int,
    at: datetime,
    device: Eui64 = DEVICE,
    meter: MeterNumber = METER,
) -> DeviceCommand:
    """Another command of a device whose id is its number."""
    return kind(id=number(of), meter=meter, device=device, requested_at=at, deadline_at=at + timedelta(seconds=30))


def tell(of: int, at: datetime, notice: Notice, device: Eui64 | None = DEVICE) -> SendNotice:
    """A notice whose command's id is its number."""
    deadline_at = at + timedelta(seconds=30)
    return SendNotice(
        id=number(of), meter=METER, device=device, notice=notice, requested_at=at, deadline_at=deadline_at
    )


def info(device: Eui64) -> DeviceInfo:
    """What every device here says of itself."""
    return DeviceInfo(
        device=device,
        type=DeviceType.IN_HOME_DISPLAY,
        nwk=0x1234,
        endpoint=1,
        manufacturer="Acme",
        model="Display",
        firmware="1.0",
        servers=(0,),
        clients=(0x0700, 0x0703),
        sleepy=False,
        lqi=200,
        suite=1,
        last_heard_at=datetime(2026, 7, 1, tzinfo=UTC),
    )


@dataclass
class DictionaryHome:
    """A trust centre: one window at a time; each step of a join takes step_s."""

    clock: Clock
    outside: dict[Eui64, InstallCode] = field(default_factory=lambda: {DEVICE: CODE, SECOND: CODE})
    members: dict[Eui64, Membership] = field(default_factory=dict)
    faults: dict[Eui64, tuple[Stage, Cause]] = field(default_factory=dict)
    """A device's join ends with a cause once it has reached a stage."""
    troubles: dict[Eui64, HanFault] = field(default_factory=dict)
    """What any other word to a device ends in."""
    step_s: float = 1.0
    open_window: bool = False
    executed: list[tuple[str, Eui64]] = field(default_factory=list)
    told: list[tuple[Eui64, Notice]] = field(default_factory=list)
    remembered: list[tuple[Eui64, Notice]] = field(default_factory=list)
    deaf: set[Eui64] = field(default_factory=set)
    asked_to_rotate: list[RequestId] = field(default_factory=list)
    rotated: list[RequestId] = field(default_factory=list)
    rotation_trouble: HanFault | None = None
    listener: Callable[[Heard], None] | None = None

    async def join(self, device: Eui64, code: InstallCode, window_s: int, told: Told) -> DeviceInfo:
        """Every stage in its time; a wrong code ends as real ones do, after the device has joined and never spoken."""
        self.executed.append(("join", device))
        fails_at, cause = self.faults.get(device, (None, Cause.WINDOW_EXPIRED))
        self.open_window = True
        try:
            for stage in STEPS[1:]:
                if stage is Stage.JOINED and device not in self.outside:
                    await self.clock.sleep(window_s)
                    raise HanFault(Cause.WINDOW_EXPIRED, f"Nothing was heard for {window_s} s.")
                if stage is Stage.ANNOUNCED and self.outside[device] != code:
                    raise HanFault(Cause.WRONG_INSTALL_CODE, "The device joined again and again, and never spoke.")
                await self.clock.sleep(self.step_s)
                self.members[device] = Membership.REGISTERED if stage is Stage.REGISTERED else Membership.JOINED
                await told(stage, "")
                if stage is fails_at:
                    raise HanFault(cause, f"It failed after {stage}.")
        except (HanFault, asyncio.CancelledError):
            self.members.pop(device, None)
            raise
        finally:
            self.open_window = False
        return info(device)

    async def membership(self, device: Eui64) -> Membership:
        """As the table says."""
        return self.members.get(device, Membership.ABSENT)

    async def remove(self, device: Eui64, timeout_s: float) -> bool:
        """Gone, whether it was there or not; those that are deaf do not say so."""
        await self._ask("remove", device)
        self.members.pop(device, None)
        return device not in self.deaf

    async def rekey(self, device: Eui64, timeout_s: float) -> DeviceInfo:
        """The same device with another key."""
        await self._ask("rekey", device)
        return info(device)

    async def ping(self, device: Eui64, timeout_s: float) -> float:
        """A round trip of step_s."""
        await self._ask("ping", device)
        return self.step_s

    async def describe(self, device: Eui64, timeout_s: float) -> DeviceInfo:
        """What every device says."""
        await self._ask("describe", device)
        return info(device)

    async def rotate(self, request: RequestId, timeout_s: float) -> int:
        """A new network key after step_s, once for a request; what is cut short after that is not told."""
        self.asked_to_rotate.append(request)
        if request not in self.rotated:
            await self.clock.sleep(self.step_s)
            if self.rotation_trouble is not None:
                raise self.rotation_trouble
            self.rotated.append(request)
        await self.clock.sleep(self.step_s)
        return len(self.rotated)

    async def send(self, device: Eui64, notice: Notice, timeout_s: float) -> None:
        """Delivered after step_s."""
        await self._ask("send", device)
        self.told.append((device, notice))

    def remember(self, device: Eui64, notice: Notice) -> None:
        """Kept for the device's questions."""
        self.remembered.append((device, notice))

    def listen(self, listener: Callable[[Heard], None]) -> None:
        """One listener."""
        self.listener = listener

    def say(self, heard: Heard) -> None:
        """A device says something by itself."""
        assert self.listener is not None
        self.listener(heard)

    async def _ask(self, what: str, device: Eui64) -> None:
        self.executed.append((what, device))
        await self.clock.sleep(self.step_s)
        if device in self.troubles:
            raise self.troubles[device]


_: type[HomeNetwork] = DictionaryHome
