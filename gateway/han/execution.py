"""Carrying out one device command at its home network: what each kind does, and what trouble with it means."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress

from gateway.clock import Clock
from gateway.errors import BadInput, FailureReason, Fault
from gateway.han.current import dated
from gateway.han.messages import (
    DescribeDevice,
    DeviceCommand,
    JoinDevice,
    PingDevice,
    RekeyDevice,
    RemoveDevice,
    SendNotice,
)
from gateway.han.notices import Answer, Heard, Notice, cluster_of
from gateway.han.sealing import Place, unseal
from gateway.han.states import Event
from gateway.han.words import Cause, DeviceInfo, HanFault, Membership, Stage
from gateway.identifiers import Eui64, GatewayId, MeterNumber, RequestId
from gateway.journal.commands import Ending
from gateway.journal.devices import Change, DeviceBook
from gateway.keys import InstallCode
from gateway.messages import AssignMeter, OutcomeStatus
from gateway.ports import Assignment, Driver, HomeNetwork
from gateway.reports import Reports

log = logging.getLogger(__name__)

CLEAN_UP_S = 10.0
"""How long a device that was left half joined, or is described in passing, may take to answer."""

_ROTATE = "Rotate that with `metergate gateways rotate-key`."
STILL_HAS_KEY = f"The device did not say that it leaves, so it still has the network key. {_ROTATE}"
PERHAPS_HAS_KEY = f"The gateway stopped meanwhile, so the device may still have the network key. {_ROTATE}"
"""What is told of a removal that its device did not, or perhaps not, acknowledge: only its own key is gone."""

Result = tuple[Ending, list[Change]]
"""What became of a command, and what that means for its device."""

DONE = Ending(status=OutcomeStatus.DONE)
_REASONS = {FailureReason.TIMEOUT: Cause.UNREACHABLE, FailureReason.LINK_LOST: Cause.LINK_LOST}


def cause_of(fault: Fault) -> Cause:
    """The cause that a driver's fault means for a device command."""
    if isinstance(fault, HanFault):
        return fault.cause
    return _REASONS.get(fault.reason, Cause.REFUSED_BY_DEVICE)


def too_late(stage: Stage | None) -> Cause:
    """The cause of a join that did not end in time, by how far it came."""
    if stage in (Stage.REQUESTED, Stage.VALIDATED, Stage.KEY_INSTALLED, Stage.WINDOW_OPEN):
        return Cause.WINDOW_EXPIRED
    return Cause.KEY_TIMEOUT


class Execution:
    """The drivers' home networks, as commands use them."""

    def __init__(
        self,
        gateway: GatewayId,
        book: DeviceBook,
        drivers: Mapping[str, Driver],
        assignments: Mapping[MeterNumber, Assignment],
        reports: Reports,
        clock: Clock,
        sealing: bytes | None,
    ) -> None:
        self._gateway = gateway
        self._book = book
        self._drivers = drivers
        self._assignments = assignments
        self._reports = reports
        self._clock = clock
        self._sealing = sealing

    def home(self, meter: MeterNumber) -> HomeNetwork | None:
        """The home network on which a meter's devices are, None if it has none."""
        assignment = self._assignments.get(meter)
        return self._drivers[assignment.driver].home if assignment else None

    async def run(self, command: DeviceCommand, home: HomeNetwork, timeout_s: float) -> Result:
        """Carry out a command, within its time. Raises Fault, TimeoutError, BadInput."""
        async with asyncio.timeout(timeout_s):
            if isinstance(command, JoinDevice):
                info = await self.join(command, command.device, command.sealed_code, command.window_s, home)
                return joined(command.id, command.device, info)
            if isinstance(command, RemoveDevice):
                return removed(command, "" if await home.remove(command.device, timeout_s) else STILL_HAS_KEY)
            if isinstance(command, RekeyDevice | DescribeDevice):
                ask = home.rekey if isinstance(command, RekeyDevice) else home.describe
                return Ending(status=OutcomeStatus.DONE, info=await ask(command.device, timeout_s)), []
            if isinstance(command, PingDevice):
                seconds = await home.ping(command.device, timeout_s)
                return Ending(status=OutcomeStatus.DONE, round_trip_ms=round(seconds * 1000)), []
            return await self._notify(await self._audience(command), command.notice, home, timeout_s), []

    async def join(
        self, command: JoinDevice | AssignMeter, device: Eui64, sealed: str, window_s: int, home: HomeNetwork
    ) -> DeviceInfo:
        """Open the sealed code and bring a device onto the network, each stage told. Raises HanFault or LinkLost."""
        code = self._opened(sealed, device, command.id)
        await self._tell(command.id, device, Event.VALIDATED, "")

        async def told(stage: Stage, detail: str) -> None:
            await self._tell(command.id, device, Event(stage), detail)

        return await home.join(device, code, window_s, told)

    async def resume(self, command: DeviceCommand, home: HomeNetwork, timeout_s: float) -> Result:
        """Learn what became of a command that a stop cut short; a removal is carried on with. Raises as run does."""
        if isinstance(command, JoinDevice):
            return await self.resume_join(command.id, command.device, home, timeout_s)
        if isinstance(command, RemoveDevice):
            async with asyncio.timeout(timeout_s):
                membership = await home.membership(command.device)
            if membership is not Membership.ABSENT:
                return await self.run(command, home, timeout_s)
            return removed(command, PERHAPS_HAS_KEY)
        detail = "The gateway stopped meanwhile; the device may or may not have been reached."
        return Ending.failed(Cause.INTERRUPTED, detail), []

    async def resume_join(self, request: RequestId, device: Eui64, home: HomeNetwork, timeout_s: float) -> Result:
        """Whether a join that a stop cut short had come to its end. Raises as run does."""
        async with asyncio.timeout(timeout_s):
            membership = await home.membership(device)
            if membership is Membership.REGISTERED:
                info = None
                with suppress(Fault):
                    info = await home.describe(device, CLEAN_UP_S)
                return joined(request, device, info)
            if membership is Membership.JOINED:
                await home.remove(device, CLEAN_UP_S)
        detail = "The gateway stopped while the device joined; nothing of it is left behind."
        return failed_join(request, device, Cause.INTERRUPTED, detail)

    def _opened(self, sealed: str, device: Eui64, request: RequestId) -> InstallCode:
        if self._sealing is None:
            raise HanFault(Cause.BAD_INSTALL_CODE, "This gateway has no key to open install codes with.")
        try:
            return unseal(sealed, self._sealing, Place(gateway=self._gateway, device=device, request=request))
        except BadInput as error:
            raise HanFault(Cause.BAD_INSTALL_CODE, f"{str(error).capitalize()}.") from None

    async def _tell(self, request: RequestId, device: Eui64, event: Event, detail: str) -> None:
        change = Change(device=device, event=event, request=request, detail=detail)
        await self._reports.tell(await self._book.change([change], self._clock.now()))

    async def _audience(self, command: SendNotice) -> list[Eui64]:
        """Whom a notice is for: the device that is named, or all of the meter that can do something with it."""
        if command.device is not None:
            return [command.device]
        targets = await self._book.active(command.meter, cluster_of(command.notice))
        if not targets:
            kind = type(command.notice).__name__
            raise HanFault(Cause.UNKNOWN_DEVICE, f"No device of meter {command.meter} takes a {kind}.")
        return targets

    async def _notify(self, targets: Sequence[Eui64], notice: Notice, home: HomeNetwork, timeout_s: float) -> Ending:
        """Tell devices all at once, each outcome reported; it is done when every one has it."""
        notice = dated(notice, self._clock.now())
        trouble = await asyncio.gather(*(self._send(home, device, notice, timeout_s) for device in targets))
        failures = [(device, fault) for device, fault in zip(targets, trouble, strict=True) if fault is not None]
        if not failures:
            return DONE
        detail = "; ".join(f"{device}: {fault}" for device, fault in failures)
        return Ending.failed(cause_of(failures[0][1]), f"{len(failures)} of {len(targets)} were not told. {detail}")

    async def _send(self, home: HomeNetwork, device: Eui64, notice: Notice, timeout_s: float) -> Fault | None:
        fault: Fault | None = None
        try:
            await home.send(device, notice, timeout_s)
        except Fault as caught:
            fault = caught
        else:  # Only now: one that was told as undelivered must not take effect after a restart.
            await self._book.keep_notice([device], notice, self._clock.now())
        heard = Heard(
            device=device,
            answer=Answer.UNDELIVERED if fault else Answer.DELIVERED,
            event=getattr(notice, "event", None),
            at=self._clock.now(),
            detail=str(fault) if fault else "",
        )
        await self._reports.tell(await self._book.heard(heard, heard.at))
        return fault


def joined(request: RequestId, device: Eui64, info: DeviceInfo | None) -> Result:
    """A device that is registered, and with that active."""
    return Ending(status=OutcomeStatus.DONE, info=info), [
        Change(device=device, event=Event.REGISTERED, request=request),
        Change(device=device, event=Event.ACTIVATED, request=request, info=info),
    ]


def removed(command: RemoveDevice, detail: str) -> Result:
    """A device that is gone, with what it may still have."""
    change = Change(device=command.device, event=Event.REMOVED, request=command.id, detail=detail)
    return Ending(status=OutcomeStatus.DONE, detail=detail), [change]


def failed_join(request: RequestId, device: Eui64, cause: Cause, detail: str) -> Result:
    """A join that came to nothing."""
    return Ending.failed(cause, detail), [
        Change(device=device, event=Event.FAILED, request=request, cause=cause, detail=detail)
    ]
