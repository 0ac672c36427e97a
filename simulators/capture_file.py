"""A laboratory's capture: the file in which its recorder writes what goes on the air, and the file of its keys."""

from pathlib import Path

from gateway.clock import Clock
from gateway.errors import BadInput
from simulators.zigbee.air.recorder import Recorder
from simulators.zigbee.ncp.memory import Memory


class BadCapture(BadInput):
    """What goes on the air cannot be written down."""


class CaptureFile:
    """An open capture of the network in a memory, and (keys) where Wireshark's own key file goes.

    Raises BadCapture for a network that is not there, or a file that cannot be.
    """

    def __init__(self, path: Path, keys: Path | None, memory: Memory, clock: Clock) -> None:
        if memory.network is None:
            raise BadCapture("a capture needs a network that is formed already")
        self._keys = keys
        try:
            self._file = path.open("wb", buffering=0)
        except OSError as error:
            raise BadCapture(f"the capture {path} cannot be written: {error.strerror}") from None
        self.recorder = Recorder(
            self._file.write,
            clock,
            pan_id=memory.network.pan_id,
            channel=memory.network.channel,
            centre=memory.eui64,
            keys=self._write_keys,
        )

    def close(self) -> None:
        """Nothing is written any more."""
        self._file.close()

    def _write_keys(self, text: str) -> None:
        if self._keys is not None:
            self._keys.touch(mode=0o600)
            self._keys.write_text(text, encoding="utf-8")
