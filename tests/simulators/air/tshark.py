"""Wireshark's dissectors as the oracle of what stands in a capture, through tshark's command line."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.servers import program

_TIMEOUT_S = 60


def dissected(capture: Path, keys: Sequence[bytes], *options: str) -> str:
    """What tshark prints of a capture that it may open with some keys; skips the test where there is no tshark."""
    shark = program("tshark", "tshark")
    uats = [f'-ouat:zigbee_pc_keys:"{key.hex(":")}","Normal","key {place}"' for place, key in enumerate(keys)]
    command = [shark, "-n", "-r", str(capture), *uats, *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=True)
    return done.stdout
