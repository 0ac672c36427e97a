"""What a Modbus driver is told: its line, how it is opened, and its patience."""

import re
from pathlib import Path
from typing import Annotated, NamedTuple
from urllib.parse import SplitResult, parse_qs, urlsplit

from pydantic import Field

from gateway.config import settings

_PARITIES, _STOP_BITS = "NEO", (1, 2)
_BAUDRATES = range(300, 1_000_001)
_PORTS = {"tcp": 502, "tls": 802}


class SerialLine(NamedTuple):
    """A serial device and how it is set; always 8 data bits."""

    device: str
    baudrate: int
    parity: str
    stopbits: int


class NetworkLine(NamedTuple):
    """A TCP port; rtu puts serial frames into it, as transparent converters do, and secure speaks TLS."""

    host: str
    port: int
    rtu: bool
    secure: bool


def line_of(link: str) -> SerialLine | NetworkLine:
    """What a link's text means. Raises ValueError saying what is wrong with it."""
    url = urlsplit(link)
    if url.scheme == "serial":
        return _serial(url)
    if url.scheme not in {"tcp", "tls", "rtu+tcp"}:
        raise ValueError("a link begins with tcp://, tls://, rtu+tcp:// or serial:///")
    if not url.hostname or url.path.strip("/") or url.query or url.username is not None:
        raise ValueError(f"a network link is {url.scheme}://host:port and no more")
    port = url.port if url.port is not None else _PORTS.get(url.scheme)
    if not port:
        raise ValueError(f"a {url.scheme} link needs a port")
    return NetworkLine(url.hostname, port, url.scheme == "rtu+tcp", url.scheme == "tls")


def _serial(url: SplitResult) -> SerialLine:
    told = {key: values[-1] for key, values in parse_qs(url.query, strict_parsing=bool(url.query)).items()}
    baudrate, parity, stopbits = (told.pop(key, default) for key, default in _DEFAULTS.items())
    if url.netloc or not url.path.startswith("/") or url.path == "/":
        raise ValueError("a serial link is serial:///dev/... with three slashes")
    if told:
        raise ValueError(f"a serial link has baudrate, parity and stopbits, not {', '.join(sorted(told))}")
    if not re.fullmatch("[0-9]{3,7}", baudrate) or int(baudrate) not in _BAUDRATES:
        raise ValueError(f"baudrate={baudrate} is no speed")
    if parity not in set(_PARITIES) or stopbits not in {str(bits) for bits in _STOP_BITS}:
        raise ValueError("parity is N, E or O, and stopbits 1 or 2")
    return SerialLine(url.path, int(baudrate), parity, int(stopbits))


_DEFAULTS = {"baudrate": "9600", "parity": "N", "stopbits": "1"}


@settings
class ModbusSettings:
    """One line of Modbus meters: a TCP port, or a serial line directly or through a converter."""

    link: Annotated[
        str,
        Field(
            description="The line: tcp://host:port (Modbus/TCP), tls://host:port, rtu+tcp://host:port (a converter "
            "that passes serial frames through), or serial:///dev/ttyUSB0?baudrate=9600&parity=E&stopbits=1."
        ),
    ]
    profiles: Annotated[
        Path | None,
        Field(
            description="A folder of meter profiles of one's own; its names win over those that come with metergate."
        ),
    ] = None
    attempts: Annotated[
        int, Field(ge=1, le=8, description="How often a request is made before the meter counts as silent.")
    ] = 3
    attempt_timeout_s: Annotated[float, Field(gt=0, description="How long a request waits for its answer.")] = 1.0
    settle_s: Annotated[
        float,
        Field(
            ge=0,
            description="Serial frames do not say which request they answer: after a silence the same meter is left "
            "alone this long, so that a late answer cannot pass for the next one. Not used on tcp and tls.",
        ),
    ] = 0.5
    frame_gap_s: Annotated[
        float,
        Field(
            ge=0,
            le=1,
            description="Silence before each serial frame, by which meters tell frames apart: 3.5 characters, which at "
            "9600 bits per second are 4 ms. Not used on tcp and tls.",
        ),
    ] = 0.004
    queue: Annotated[int, Field(ge=1, description="Reads that may wait for the line; further ones fail at once.")] = 256
    silences: Annotated[
        int, Field(ge=1, description="Requests in a row without any answer after which the line is opened anew.")
    ] = 32
    sunspec_s: Annotated[
        float, Field(ge=0, description="How long the place of a SunSpec device's model is remembered.")
    ] = 3600.0
    open_timeout_s: Annotated[float, Field(gt=0, description="How long opening the line may take.")] = 10.0
    ca: Annotated[Path | None, Field(description="Certificate authorities (PEM) for tls; the system's without.")] = None
    certificate: Annotated[Path | None, Field(description="Client certificate (PEM) for tls.")] = None
    key: Annotated[Path | None, Field(description="Private key (PEM) of the client certificate.")] = None

    def __post_init__(self) -> None:
        line_of(self.link)

    @property
    def line(self) -> SerialLine | NetworkLine:
        """The link, taken apart."""
        return line_of(self.link)
