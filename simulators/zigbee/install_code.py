"""Install codes as they are printed on a device, and the link key that follows from one (pure).

Source: ZigBee Smart Energy 07-5356, section 5.4.8.1.1.
"""

from gateway.dice import Dice
from gateway.errors import BadInput
from simulators.zigbee.cbke.credentials import mmo
from simulators.zigbee.octets import unsigned

SIZES = (6, 8, 12, 16)
"""Bytes of a code, without its check sum."""


class BadInstallCode(BadInput):
    """What somebody typed is no install code; the words do not repeat it."""


def crc(data: bytes) -> int:
    """CRC-16/X-25."""
    rest = 0xFFFF
    for octet in data:
        rest ^= octet
        for _ in range(8):
            rest = rest >> 1 ^ (0x8408 if rest & 1 else 0)
    return rest ^ 0xFFFF


def install_code(eui64: int, dice: Dice, size: int = 16) -> bytes:
    """A device's code of 6, 8, 12 or 16 bytes with its check sum behind it, always the same under one seed."""
    code = dice.stream(f"install code/{eui64:016X}").randbytes(size)
    return code + unsigned(crc(code), 2)


def link_key_of(code: bytes) -> bytes:
    """The key that a code with its check sum stands for."""
    return mmo(code)


def read_code(text: str) -> bytes:
    """A code with its check sum, as it is printed: hexadecimal digits, spaces anywhere. Raises BadInstallCode."""
    try:
        code = bytes.fromhex(text)
    except ValueError:
        raise BadInstallCode("an install code has hexadecimal digits, and nothing else") from None
    if len(code) - 2 not in SIZES:
        raise BadInstallCode(f"an install code has 6, 8, 12 or 16 bytes and 2 of check sum, not {len(code)} in all")
    if crc(code[:-2]) != int.from_bytes(code[-2:], "little"):
        raise BadInstallCode("the install code's check sum does not fit: a digit is wrong")
    return code
