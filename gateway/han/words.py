"""What is said of a home-area device: how far its join has come, why it failed, and what to do next (pure).

Stages, device types and clusters are those of ZigBee Smart Energy 1.4 (17-05019-001); causes of key establishment
are the Terminate statuses of its annex C.3.1.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from pydantic import AwareDatetime

from gateway.errors import FailureReason, Fault
from gateway.identifiers import Eui64
from gateway.reads import Whole


class Stage(StrEnum):
    """How far a device has come on a meter's network, in the order of a join; its timeline is made of them."""

    REQUESTED = "requested"
    VALIDATED = "validated"
    KEY_INSTALLED = "key_installed"
    WINDOW_OPEN = "window_open"
    JOINED = "joined"
    ANNOUNCED = "announced"
    INTERVIEWED = "interviewed"
    KEY_ESTABLISHING = "key_establishing"
    REGISTERED = "registered"
    ACTIVE = "active"
    REMOVING = "removing"
    REMOVED = "removed"
    FAILED = "failed"


class Cause(StrEnum):
    """Why a device command failed, or a device is no longer there."""

    BAD_INSTALL_CODE = "bad_install_code"
    WRONG_INSTALL_CODE = "wrong_install_code"
    WRONG_MAC = "wrong_mac"
    WINDOW_EXPIRED = "window_expired"
    JOIN_DENIED = "join_denied"
    KEY_TABLE_FULL = "key_table_full"
    INTERVIEW_FAILED = "interview_failed"
    UNKNOWN_ISSUER = "unknown_issuer"
    BAD_KEY_CONFIRM = "bad_key_confirm"
    BAD_MESSAGE = "bad_message"
    NO_RESOURCES = "no_resources"
    UNSUPPORTED_SUITE = "unsupported_suite"
    INVALID_KEY_USAGE = "invalid_key_usage"
    KEY_TIMEOUT = "key_timeout"
    DEVICE_LIMIT = "device_limit"
    AT_ANOTHER_METER = "at_another_meter"
    LEFT_BY_ITSELF = "left_by_itself"
    UNKNOWN_METER = "unknown_meter"
    UNKNOWN_DEVICE = "unknown_device"
    NO_HOME_NETWORK = "no_home_network"
    UNREACHABLE = "unreachable"
    REFUSED_BY_DEVICE = "refused_by_device"
    LINK_LOST = "link_lost"
    INTERRUPTED = "interrupted"
    EXPIRED = "expired"
    BUSY = "busy"
    CANCELLED = "cancelled"
    BAD_COMMAND = "bad_command"


NEXT_STEP: Mapping[Cause, str] = MappingProxyType(
    {
        Cause.BAD_INSTALL_CODE: "Type the install code again from the device's label, with its last four digits.",
        Cause.WRONG_INSTALL_CODE: "Compare the install code with the device's label and request the join again.",
        Cause.WRONG_MAC: "Compare the MAC address with the device's label: another device tried to join.",
        Cause.WINDOW_EXPIRED: "Put the device into joining mode, near the meter, and request the join again.",
        Cause.JOIN_DENIED: "Reset the device to its factory state and request the join again.",
        Cause.KEY_TABLE_FULL: "Remove a device that is no longer used, then request the join again.",
        Cause.INTERVIEW_FAILED: "Move the device nearer to the meter and request the join again.",
        Cause.UNKNOWN_ISSUER: "The device's certificate is from an authority that is not trusted here: ask its maker.",
        Cause.BAD_KEY_CONFIRM: "Request the join again; if it fails again, the device's certificate is damaged.",
        Cause.BAD_MESSAGE: "Request the join again; if it fails again, the device's firmware breaks the protocol.",
        Cause.NO_RESOURCES: "Wait until the device's own work is done, then request the join again.",
        Cause.UNSUPPORTED_SUITE: "Device and gateway have no cipher suite in common: load the other certificate.",
        Cause.INVALID_KEY_USAGE: "The device's certificate is not made for key agreement: ask its maker.",
        Cause.KEY_TIMEOUT: "Move the device nearer to the meter and request the join again.",
        Cause.DEVICE_LIMIT: "Remove a device of this meter, then request the join again.",
        Cause.AT_ANOTHER_METER: "Remove the device at its other meter first.",
        Cause.LEFT_BY_ITSELF: "Ask the customer whether the device was reset; request a join to bring it back.",
        Cause.UNKNOWN_METER: "Assign the meter to a gateway first.",
        Cause.UNKNOWN_DEVICE: "List the meter's devices: none of them has this address.",
        Cause.NO_HOME_NETWORK: "This meter's driver has no home area network; only ZigBee meters have one.",
        Cause.UNREACHABLE: "Check that the device has power and is in reach, then try again.",
        Cause.REFUSED_BY_DEVICE: "The device does not do this; see the detail.",
        Cause.LINK_LOST: "The gateway has lost its radio; try again when its state shows it up.",
        Cause.INTERRUPTED: "The gateway was stopped meanwhile; ask for the device's info, then try again.",
        Cause.EXPIRED: "The request came too late to the gateway; try again.",
        Cause.BUSY: "Another command of this device is running; try again when it has ended.",
        Cause.CANCELLED: "The device was removed while it joined; request the join again if it is still wanted.",
        Cause.BAD_COMMAND: "Correct what the detail names and send the command again.",
    }
)


class DeviceType(StrEnum):
    """What a device is, by the device id of its Smart Energy endpoint."""

    ENERGY_SERVICES_INTERFACE = "energy_services_interface"
    METER = "meter"
    IN_HOME_DISPLAY = "in_home_display"
    THERMOSTAT = "thermostat"
    LOAD_CONTROL = "load_control"
    SMART_APPLIANCE = "smart_appliance"
    PREPAYMENT_TERMINAL = "prepayment_terminal"
    RANGE_EXTENDER = "range_extender"
    OTHER = "other"


DEVICE_TYPES: Mapping[int, DeviceType] = MappingProxyType(
    {
        0x0008: DeviceType.RANGE_EXTENDER,
        0x0500: DeviceType.ENERGY_SERVICES_INTERFACE,
        0x0501: DeviceType.METER,
        0x0502: DeviceType.IN_HOME_DISPLAY,
        0x0503: DeviceType.THERMOSTAT,
        0x0504: DeviceType.LOAD_CONTROL,
        0x0505: DeviceType.SMART_APPLIANCE,
        0x0506: DeviceType.PREPAYMENT_TERMINAL,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceInfo:
    """A device as its interview found it. clusters are the servers, then the clients, of its Smart Energy endpoint.

    suite is the cipher suite of its key establishment (1 or 2), None before that; nwk its network address now.
    """

    device: Eui64
    type: DeviceType
    nwk: Whole
    endpoint: Whole
    manufacturer: str | None
    model: str | None
    firmware: str | None
    servers: tuple[Whole, ...]
    clients: tuple[Whole, ...]
    sleepy: bool
    lqi: Whole | None
    suite: Whole | None
    last_heard_at: AwareDatetime | None


class Membership(StrEnum):
    """What a trust centre knows of a device: nothing, its install code's key only, or an established key."""

    ABSENT = "absent"
    JOINED = "joined"
    REGISTERED = "registered"


class HanFault(Fault):
    """A device command that came to nothing, with its cause; the detail is for people."""

    reason = FailureReason.UNSUPPORTED

    def __init__(self, cause: Cause, detail: str) -> None:
        super().__init__(detail)
        self.cause = cause
