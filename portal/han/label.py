"""What stands on a device's label, as people type, paste or scan it (pure).

A MAC address (EUI-64) is 16 hexadecimal digits with or without separators. A QR code's text carries address and
install code together, as `Z:<address>$I:<code>` with more items between, or as `<address>|<code>`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.identifiers import Eui64
from gateway.keys import BadKey, InstallCode

MOST_TYPED = 200
DIGITS = 16
_SEPARATORS = re.compile(r"[\s:.\-]")
_QR_SIGNS = re.compile(r"[$%|]|^\s*[A-Za-z]:")
_ADDRESS, _CODE = frozenset("ZA"), "I"

NO_DEVICE = "Enter the device's MAC address, or paste the text of its QR code."
NO_CODE = "Enter the install code from the device's label."
NO_QR = "This text of a QR code names no device and install code. Type both from the label."
TWO_CODES = "The QR code's text brings the install code: leave this empty, or clear the text."


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What was typed: the device and its install code, each None if at fault; faults are by field.

    shown is what a page may show again as the address: never anything that may hold an install code.
    """

    device: Eui64 | None
    code: InstallCode | None = field(repr=False)
    shown: str
    faults: Mapping[str, str]


def read_label(device: str, install_code: str) -> Label:
    """A label as it was typed into the two fields device and install_code; either takes a QR code's text."""
    qr = device if _is_qr(device) else install_code if _is_qr(install_code) else ""
    faults: dict[str, str] = {}
    if qr:
        other = install_code if qr == device else ""
        address, typed = _from_qr(qr)
        if not address or not typed:
            faults["device" if qr == device else "install_code"] = NO_QR
            shown = "" if qr == device else _shown(device)
            return Label(device=None, code=None, shown=shown, faults=faults)
        if other.strip():
            faults["install_code"] = TWO_CODES
        device, install_code = address, typed
    found, fault = _device(device)
    if fault:
        faults["device"] = fault
    code, fault = _code(install_code)
    if fault:
        faults.setdefault("install_code", fault)
    return Label(device=found, code=code, shown=str(found) if found else _shown(device), faults=faults)


def typed_device(text: str) -> tuple[Eui64 | None, str]:
    """A MAC address as it was typed, or what is wrong with it."""
    return _device(text)


def _device(text: str) -> tuple[Eui64 | None, str]:
    digits = _SEPARATORS.sub("", text).upper()
    if not digits:
        return None, NO_DEVICE
    strange = re.search(r"[^0-9A-F]", digits)
    if strange:
        return None, f"A MAC address has only digits and the letters A to F: {strange[0]} is neither."
    if len(digits) != DIGITS:
        return None, f"A MAC address (EUI-64) has {DIGITS} digits, not {len(digits)}."
    return Eui64(digits), ""


def _code(text: str) -> tuple[InstallCode | None, str]:
    if not text.strip():
        return None, NO_CODE
    try:
        return InstallCode.typed(text), ""
    except BadKey as error:
        words = str(error)
        return None, f"{words[:1].upper()}{words[1:]}."


def _is_qr(text: str) -> bool:
    return _QR_SIGNS.search(text) is not None


def _from_qr(text: str) -> tuple[str, str]:
    """The address and the code of a QR code's text, empty where there is none."""
    if "|" in text:
        address, _, code = text.partition("|")
        return address, code
    items = [item.strip().partition(":")[::2] for item in re.split(r"[$%]", text)]
    named = [(key.upper(), value) for key, value in items if value]
    address = next((value for key, value in named if key in _ADDRESS), "")
    return address, next((value for key, value in named if key == _CODE), "")


def _shown(text: str) -> str:
    """An address that was mistyped, to be mended; what is longer than one may be a code in the wrong field."""
    return text if len(_SEPARATORS.sub("", text)) <= DIGITS else ""
