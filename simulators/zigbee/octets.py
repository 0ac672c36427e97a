"""Little-endian fields out of bytes, as every layer of ZigBee has them."""

from gateway.errors import BadInput


class Malformed(BadInput):
    """Bytes that end too early or mean nothing where they stand."""


class Octets:
    """A position in some bytes; every take moves it on. Raises Malformed when the bytes run out."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        """How many bytes have not been taken."""
        return len(self._data) - self._at

    def take(self, size: int) -> bytes:
        """The next bytes, exactly as many as asked for."""
        end = self._at + size
        if end > len(self._data):
            raise Malformed(f"{size} bytes wanted, {self.left} left")
        piece, self._at = self._data[self._at : end], end
        return piece

    def unsigned(self, size: int) -> int:
        """An unsigned integer of so many bytes."""
        return int.from_bytes(self.take(size), "little")

    def counted(self, width: int = 1) -> bytes:
        """Bytes after their own count, which is an integer of width bytes."""
        return self.take(self.unsigned(width))

    def rest(self) -> bytes:
        """Everything that is left."""
        return self.take(self.left)


def unsigned(value: int, size: int) -> bytes:
    """An unsigned integer as so many bytes; what does not fit is a programmer's error (OverflowError)."""
    return value.to_bytes(size, "little")


def counted(data: bytes, width: int = 1) -> bytes:
    """Bytes behind their count."""
    return unsigned(len(data), width) + data
