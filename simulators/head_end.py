"""What the control port of a meter with its own home-area network understands: a head end's side, and the laboratory's.

A head end's lines: {"han": "add", "device": EUI-64, "code": "..."} (with "window_s" and "key_s"), {"han": "remove",
"device": ...}, {"han": "list"}, {"han": "open", "seconds": 254}, {"han": "close"}, {"han": "rotate_key"}, {"han":
"price", "price": 0.215} (with "label", "minutes", "after_minutes", "ack"), {"han": "text", "text": "..."} (with
"minutes", "importance", "confirm"), {"han": "cancel_text"}, {"han": "event", "minutes": 60} (with "after_minutes",
"classes", "criticality", "cooling_offset_c", "duty_cycle"), {"han": "cancel_event", "event": 7}, {"han": "answers"},
{"han": "log"}. The laboratory's are those of control.py about devices, air, and the meter.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from gateway.identifiers import Eui64
from simulators.control import attend, break_meter, listed, weather_told
from simulators.control_port import BadCommand, LinePort, answer_to
from simulators.han.wire import LoadEvent, PublishedPrice
from simulators.meter_network import MeterNetwork
from simulators.zigbee.install_code import read_code
from simulators.zigbee.services_interface.log import Note
from simulators.zigbee.services_interface.peers import KEY_S, Peer
from simulators.zigbee.services_interface.programme import DIGITS
from simulators.zigbee.services_interface.trust_centre import LONGEST_WINDOW_S

Line = dict[str, Any]
LONGEST_KEY_S = 86_400.0
"""How long the key of an awaited device may wait at most."""
_HVAC, _MODERATE = 0x0001, 2
_MOST_MINUTES = 0xFFFE


def obey(home: MeterNetwork, line: str) -> Line:
    """Carry out one line; the answer is what goes back. Never raises over what a line says."""
    return answer_to(lambda command: _obey(home, command), line)


def _obey(home: MeterNetwork, command: Line) -> Line:
    match command:
        case {"han": str(order)} if order in _ORDERS:
            return {"ok": True, **_ORDERS[order](home, command)}
        case {"air": dict(weather)}:
            home.radio.sky.weather = weather_told(weather)
        case {"meter": str(number)} if number == home.meter.number:
            break_meter(home.meter, command)
        case {"devices": True}:
            return listed(home)
        case {"device": str(eui64)}:
            return attend(home, Eui64(eui64), command)
        case _:
            raise BadCommand(f"not a command: give han ({', '.join(_ORDERS)}), device, devices, air, or the meter")
    return {"ok": True}


# Who belongs to the network


def _add(home: MeterNetwork, command: Line) -> Line:
    window_s = int(_number(command, "window_s", LONGEST_WINDOW_S, 1, LONGEST_WINDOW_S))
    key_s = _number(command, "key_s", KEY_S, 1, LONGEST_KEY_S)
    home.interface.add(_eui64(command), read_code(_text(command, "code")), window_s, key_s)
    return {"window_s": window_s, "key_s": key_s}


def _remove(home: MeterNetwork, command: Line) -> Line:
    eui64 = home.interface.known(_eui64(command)).eui64
    home.later(home.interface.remove(eui64))
    return {}


def _list(home: MeterNetwork, command: Line) -> Line:
    return {
        "window": home.interface.trust_centre.is_open,
        "devices": [_peer(peer) for peer in home.interface.peers.values()],
    }


def _peer(peer: Peer) -> Line:
    device = None if peer.device is None else f"0x{peer.device:04X}"
    return {"device": f"{peer.eui64:016X}", "standing": str(peer.standing), "device_id": device}


def _open(home: MeterNetwork, command: Line) -> Line:
    home.interface.open(int(_number(command, "seconds", LONGEST_WINDOW_S, 1, LONGEST_WINDOW_S)))
    return {}


def _close(home: MeterNetwork, command: Line) -> Line:
    home.interface.trust_centre.close("the head end closed it")
    return {}


def _rotate_key(home: MeterNetwork, command: Line) -> Line:
    home.later(home.interface.trust_centre.renew(one_by_one=False))
    return {}


# What is published


def _price(home: MeterNetwork, command: Line) -> Line:
    now = home.meter.now()
    price = home.interface.programme.give_price(
        now,
        price=round(_number(command, "price", None, 0, 429_496) * 10**DIGITS),
        label=_text(command, "label", ""),
        starts_at=now + _after(command),
        minutes=_minutes(command),
        wants_ack=_yes(command, "ack"),
    )
    home.interface.publish_price(price)
    return {"number": price.event, **_priced(price)}


def _priced(price: PublishedPrice) -> Line:
    until = None if price.ends_at is None else price.ends_at.isoformat(timespec="seconds")
    return {"tier": price.tier, "from": price.starts_at.isoformat(timespec="seconds"), "until": until}


def _say(home: MeterNetwork, command: Line) -> Line:
    text = home.interface.programme.give_text(
        home.meter.now(),
        text=_text(command, "text"),
        importance=int(_number(command, "importance", 1, 0, 3)),
        minutes=_minutes(command),
        wants_confirmation=_yes(command, "confirm"),
    )
    home.interface.publish_text(text)
    return {"number": text.message}


def _cancel_text(home: MeterNetwork, command: Line) -> Line:
    home.interface.cancel_text()
    return {}


def _event(home: MeterNetwork, command: Line) -> Line:
    now, offset, cycle = home.meter.now(), command.get("cooling_offset_c"), command.get("duty_cycle")
    event = LoadEvent(
        event=0,
        classes=int(_number(command, "classes", _HVAC, 1, 0xFFFF)),
        group=0,
        starts_at=now + _after(command),
        minutes=int(_number(command, "minutes", None, 1, _MOST_MINUTES)),
        criticality=int(_number(command, "criticality", _MODERATE, 1, 15)),
        cooling_offset=None if offset is None else round(_number(command, "cooling_offset_c", None, 0, 25.4) * 10),
        heating_offset=None,
        cooling_point=None,
        heating_point=None,
        average_load=None,
        duty_cycle=None if cycle is None else int(_number(command, "duty_cycle", None, 0, 100)),
        random_start=False,
        random_end=False,
    )
    numbered = home.interface.programme.give_event(now, event)
    home.interface.publish_event(numbered)
    return {"number": numbered.event}


def _cancel_event(home: MeterNetwork, command: Line) -> Line:
    home.interface.cancel_event(int(_number(command, "event", None, 1, 0xFFFFFFFF)))
    return {}


# What came of it


def _answers(home: MeterNetwork, command: Line) -> Line:
    return {"notes": [_noted(note) for note in home.interface.log.answers]}


def _log(home: MeterNetwork, command: Line) -> Line:
    counts = {str(what): count for what, count in home.interface.log.counts.items() if count}
    return {"notes": [_noted(note) for note in home.interface.log.notes], "counts": counts}


def _noted(note: Note) -> Line:
    return {
        "at": note.at.isoformat(timespec="seconds"),
        "what": str(note.what),
        "device": None if note.device is None else f"{note.device:016X}",
        "number": note.number,
        "words": note.words,
    }


_ORDERS: Mapping[str, Callable[[MeterNetwork, Line], Line]] = {
    "add": _add,
    "remove": _remove,
    "list": _list,
    "open": _open,
    "close": _close,
    "rotate_key": _rotate_key,
    "price": _price,
    "text": _say,
    "cancel_text": _cancel_text,
    "event": _event,
    "cancel_event": _cancel_event,
    "answers": _answers,
    "log": _log,
}


# What a line holds


def _eui64(command: Line) -> int:
    return int(Eui64(_text(command, "device")), 16)


def _text(command: Line, name: str, otherwise: str | None = None) -> str:
    value = command.get(name, otherwise)
    if not isinstance(value, str):
        raise BadCommand(f"{name} is a text")
    return value


def _number(command: Line, name: str, otherwise: float | None, least: float, most: float) -> float:
    value = command.get(name, otherwise)
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise BadCommand(f"{name} is a number from {least:g} to {most:g}")
    return value


def _minutes(command: Line) -> int | None:
    """How long something stands; without minutes until it is changed."""
    return None if command.get("minutes") is None else int(_number(command, "minutes", None, 1, _MOST_MINUTES))


def _after(command: Line) -> timedelta:
    return timedelta(minutes=_number(command, "after_minutes", 0, 0, _MOST_MINUTES))


def _yes(command: Line, name: str) -> bool:
    value = command.get(name, False)
    if not isinstance(value, bool):
        raise BadCommand(f"{name} is true or false")
    return value


class HeadEndPort(LinePort):
    """The control port of a meter with its own network."""

    def __init__(self, home: MeterNetwork) -> None:
        super().__init__(lambda command: _obey(home, command))
