"""Devices, their stages, commands and answers in the words of the pages (pure; HAN-01)."""

from collections.abc import Mapping

from gateway.han.notices import Answer, Criticality, DeviceClass, Importance
from gateway.han.words import Cause, DeviceType, Stage
from portal.han.status import CommandKind, CommandStatus

KINDS: Mapping[DeviceType, str] = {
    DeviceType.IN_HOME_DISPLAY: "In-home display",
    DeviceType.THERMOSTAT: "Programmable control thermostat",
    DeviceType.SMART_APPLIANCE: "Smart appliance",
    DeviceType.LOAD_CONTROL: "Load control device",
    DeviceType.METER: "Meter",
    DeviceType.PREPAYMENT_TERMINAL: "Prepayment terminal",
    DeviceType.RANGE_EXTENDER: "Range extender",
    DeviceType.ENERGY_SERVICES_INTERFACE: "Energy services interface",
    DeviceType.OTHER: "Other device",
}
"""The guide's three kinds first, in its words; then those that Smart Energy knows beside them."""

STAGES: Mapping[Stage, str] = {
    Stage.REQUESTED: "Taken by the gateway",
    Stage.VALIDATED: "Install code checked",
    Stage.KEY_INSTALLED: "Key laid ready",
    Stage.WINDOW_OPEN: "Network open for it",
    Stage.JOINED: "Joined",
    Stage.ANNOUNCED: "Announced itself",
    Stage.INTERVIEWED: "Asked what it is",
    Stage.KEY_ESTABLISHING: "Agreeing on its own key",
    Stage.REGISTERED: "Registered",
    Stage.ACTIVE: "Active",
    Stage.REMOVING: "Asked to leave",
    Stage.REMOVED: "Removed",
    Stage.FAILED: "Failed",
}
_STATES: Mapping[Stage, tuple[str, str]] = {
    Stage.ACTIVE: ("Active", "good"),
    Stage.REMOVING: ("Leaving", "info"),
    Stage.REMOVED: ("Removed", ""),
    Stage.FAILED: ("Not on the network", "bad"),
}

COMMANDS: Mapping[CommandKind, str] = {
    CommandKind.JOIN: "Join",
    CommandKind.REMOVE: "Removal",
    CommandKind.REKEY: "New key",
    CommandKind.PING: "Ping",
    CommandKind.DESCRIBE: "Description",
    CommandKind.TEXT: "Text",
    CommandKind.CANCEL_TEXT: "Text taken back",
    CommandKind.PRICE: "Price",
    CommandKind.LOAD_CONTROL: "Load-control event",
    CommandKind.CANCEL_LOAD_CONTROL: "Event taken back",
    CommandKind.CANCEL_ALL_LOAD_CONTROL: "All events taken back",
    CommandKind.ASSIGN: "Assignment to a gateway",
    CommandKind.WITHDRAW: "Withdrawal from a gateway",
    CommandKind.ROTATE_KEY: "New network key",
}
STATUSES: Mapping[CommandStatus, tuple[str, str]] = {
    CommandStatus.QUEUED: ("Waiting", "info"),
    CommandStatus.SENT: ("With the gateway", "info"),
    CommandStatus.DONE: ("Done", "good"),
    CommandStatus.FAILED: ("Failed", "bad"),
    CommandStatus.REFUSED: ("Refused", "warn"),
    CommandStatus.EXPIRED: ("No answer", "bad"),
}

ANSWERS: Mapping[Answer, tuple[str, str]] = {
    Answer.DELIVERED: ("Delivered", ""),
    Answer.UNDELIVERED: ("Not delivered", "bad"),
    Answer.TEXT_CONFIRMED: ("Confirmed by the customer", "good"),
    Answer.PRICE_ACKNOWLEDGED: ("Price shown", "good"),
    Answer.RECEIVED: ("Received", ""),
    Answer.STARTED: ("Event started", "info"),
    Answer.COMPLETED: ("Event completed", "good"),
    Answer.OPTED_OUT: ("Customer opted out", "warn"),
    Answer.OPTED_IN: ("Customer opted in", "good"),
    Answer.CANCELLED: ("Event cancelled", ""),
    Answer.SUPERSEDED: ("Replaced by a newer event", ""),
    Answer.PARTLY_COMPLETED_OPT_OUT: ("Partly completed: opted out", "warn"),
    Answer.PARTLY_COMPLETED_OPT_IN: ("Partly completed: opted in late", "good"),
    Answer.COMPLETED_WITHOUT_US: ("Completed without it", "warn"),
    Answer.REJECTED: ("Rejected by the device", "bad"),
    Answer.LEFT: ("Left the network", "warn"),
    Answer.REJOINED: ("Came back", "good"),
    Answer.TURNED_AWAY: ("Turned away", "warn"),
}
IMPORTANCES = {each: each.capitalize() for each in Importance}
CLASSES: Mapping[DeviceClass, str] = {
    DeviceClass.HVAC: "Heating and cooling",
    DeviceClass.STRIP_HEATER: "Strip heaters",
    DeviceClass.WATER_HEATER: "Water heaters",
    DeviceClass.POOL_PUMP: "Pool pumps",
    DeviceClass.SMART_APPLIANCE: "Smart appliances",
    DeviceClass.IRRIGATION_PUMP: "Irrigation pumps",
    DeviceClass.MANAGED_LOAD: "Managed loads",
    DeviceClass.SIMPLE_LOAD: "Simple loads",
    DeviceClass.EXTERIOR_LIGHTING: "Exterior lighting",
    DeviceClass.INTERIOR_LIGHTING: "Interior lighting",
    DeviceClass.ELECTRIC_VEHICLE: "Electric vehicles",
    DeviceClass.GENERATION: "Generation",
}
CRITICALITIES: Mapping[Criticality, str] = {
    Criticality.GREEN: "Green",
    Criticality.LEVEL_1: "Level 1",
    Criticality.LEVEL_2: "Level 2",
    Criticality.LEVEL_3: "Level 3",
    Criticality.LEVEL_4: "Level 4",
    Criticality.LEVEL_5: "Level 5",
    Criticality.EMERGENCY: "Emergency",
    Criticality.PLANNED_OUTAGE: "Planned outage",
    Criticality.SERVICE_DISCONNECT: "Service disconnect",
}


def state_of(stage: Stage) -> tuple[str, str]:
    """A device's state as a word, and the kind of its tag; all stages of a join are one state."""
    return _STATES.get(stage, ("Joining", "info"))


def cause_words(cause: Cause) -> str:
    """A cause's name as words: `Wrong install code`."""
    words = cause.replace("_", " ").capitalize()
    return words.replace("mac", "MAC").replace("Mac", "MAC")
