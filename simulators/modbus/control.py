"""What a Modbus line's control port understands: one JSON object per line in, one per line out, on loopback.

{"meter": "900700011", "fault": "late", "seconds": 2}, {"meter": ..., "fault": "exception", "code": 6},
{"meter": ..., "fault": null}, {"ncp": "drop"}, which cuts every connection of the line, and {"stats": true}.
Answers: {"ok": true}, what was asked for, or {"error": "..."}.
"""

from typing import Any

from simulators.control_port import BadCommand
from simulators.modbus.faults import ModbusFault, ModbusFaultKind
from simulators.modbus.meter import SimModbusMeter
from simulators.modbus.street import ModbusStreet

_LONGEST_S = 3600.0
_USUAL_CODE = 4


def obey(street: ModbusStreet, command: dict[str, Any]) -> dict[str, Any]:
    """Carry out one command; returns what goes back. Raises BadCommand."""
    match command:
        case {"stats": True}:
            reads = {str(meter.meter.number): meter.answers for meter in street.meters}
            return {"reads": reads, "connections": street.line.connections}
        case {"ncp": "drop"}:
            street.line.drop()
        case {"meter": str(number), "fault": None}:
            _meter(street, number).fault = None
        case {"meter": str(number), "fault": str(kind)}:
            _meter(street, number).fault = fault_of(kind, command.get("seconds", 0), command.get("code", _USUAL_CODE))
        case _:
            raise BadCommand("not a command of a Modbus line: give meter and fault, ncp drop, or stats")
    return {"ok": True}


def fault_of(kind: str, seconds: object, code: object) -> ModbusFault:
    """The fault that a kind and its numbers name. Raises BadCommand."""
    if kind not in list(ModbusFaultKind):
        raise BadCommand(f"no fault {kind[:24]!r}: there are {', '.join(ModbusFaultKind)}")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds <= _LONGEST_S:
        raise BadCommand(f"seconds are a number up to {_LONGEST_S:.0f}")
    if type(code) is not int or not 1 <= code <= 255:
        raise BadCommand("an exception's code is a number from 1 to 255")
    return ModbusFault(kind=ModbusFaultKind(kind), seconds=float(seconds), code=code)


def _meter(street: ModbusStreet, number: str) -> SimModbusMeter:
    for meter in street.meters:
        if meter.meter.number == number:
            return meter
    raise BadCommand(f"no meter {number[:24]!r} on this line")
