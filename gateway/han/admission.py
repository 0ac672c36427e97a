"""Whether a gateway takes up a device command, decided before the radio is touched (pure)."""

from dataclasses import dataclass
from datetime import datetime

from gateway.han.messages import DeviceCommand, JoinDevice, RemoveDevice, SendNotice
from gateway.han.states import GONE, JOINING
from gateway.han.words import Cause, Stage
from gateway.identifiers import MeterNumber


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is known of a command's meter and device when it is decided upon.

    at and stage say where the device is and how far, None if it was never seen; is_meter whether it is that meter
    itself; joining whether an open command of
    the device is a join, busy whether there is any; present counts the meter's devices that are joining or joined,
    running the commands of this gateway that have not ended.
    """

    assigned: bool
    has_home: bool
    at: MeterNumber | None = None
    stage: Stage | None = None
    is_meter: bool = False
    joining: bool = False
    busy: bool = False
    present: int = 0
    running: int = 0


Refusal = tuple[Cause, str]
"""Why a command is not taken up, and a detail for people."""


def refusal_of(
    command: DeviceCommand, standing: Standing, now: datetime, most_devices: int, most_running: int
) -> Refusal | None:
    """Why a command is refused, None if it is taken up."""
    if command.deadline_at <= now:
        return Cause.EXPIRED, "The command's deadline had passed when it arrived."
    if not standing.assigned:
        return Cause.UNKNOWN_METER, f"Meter {command.meter} is not assigned to this gateway."
    if not standing.has_home:
        return Cause.NO_HOME_NETWORK, f"The driver of meter {command.meter} has no home area network."
    if standing.running >= most_running:
        return Cause.BUSY, f"{standing.running} commands are running at this gateway, which is the most at once."
    if isinstance(command, JoinDevice):
        return _join_refusal(command, standing, most_devices)
    if isinstance(command, SendNotice) and command.device is None:
        return None if standing.present else (Cause.UNKNOWN_DEVICE, f"Meter {command.meter} has no device.")
    return _refusal(command, standing)


def _join_refusal(command: JoinDevice, standing: Standing, most_devices: int) -> Refusal | None:
    present = standing.stage is not None and standing.stage not in GONE
    if present and standing.at != command.meter:
        return Cause.AT_ANOTHER_METER, f"Device {command.device} is at meter {standing.at}."
    if present and standing.is_meter:
        return _itself(command)
    if standing.busy or (present and standing.stage is not Stage.ACTIVE):
        return Cause.BUSY, "Another command of this device is running."
    if not present and standing.present >= most_devices:
        return Cause.DEVICE_LIMIT, f"The meter has {standing.present} devices, and {most_devices} is the most."
    return None


def _refusal(command: DeviceCommand, standing: Standing) -> Refusal | None:
    if standing.at != command.meter:
        return Cause.UNKNOWN_DEVICE, f"Meter {command.meter} has no device {command.device}."
    if isinstance(command, RemoveDevice):
        if standing.is_meter and standing.stage not in GONE:
            return _itself(command)
        busy = standing.busy and not standing.joining
        return (Cause.BUSY, "Another command of this device is running.") if busy else None
    if standing.stage in JOINING or (standing.busy and not isinstance(command, SendNotice)):
        return Cause.BUSY, "Another command of this device is running."
    if standing.stage is not Stage.ACTIVE:
        return Cause.UNKNOWN_DEVICE, f"Device {command.device} is {standing.stage}, not active."
    return None


def _itself(command: JoinDevice | RemoveDevice) -> Refusal:
    """A meter without its network could not be read any more, and would still be assigned."""
    return Cause.BAD_COMMAND, f"Device {command.device} is meter {command.meter} itself: withdraw or assign the meter."
