"""HMAC over the AES-MMO hash, and the hash itself under the name that this package uses.

Source: ZigBee specification, annexes B.6 and B.1.4; RFC 2104 with the hash's 16-byte block.
"""

from gateway.keys import aes_mmo

__all__ = ["aes_mmo", "hmac_aes_mmo"]

_BLOCK = 16


def hmac_aes_mmo(key: bytes, message: bytes) -> bytes:
    """The 16-byte keyed hash; a key longer than 16 bytes is hashed first."""
    block = (aes_mmo(key) if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
    inner = aes_mmo(bytes(octet ^ 0x36 for octet in block) + message)
    return aes_mmo(bytes(octet ^ 0x5C for octet in block) + inner)
