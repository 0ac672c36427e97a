"""The co-processor's end of an ASH link as a state machine without I/O: bytes and instants in, bytes out.

Source: Silicon Labs UG101, chapters 3 (operation) and 5 (parameters).
"""

from collections import deque
from dataclasses import dataclass

from simulators.zigbee.ash import (
    Ack,
    Data,
    Failed,
    Frame,
    Nak,
    Reset,
    ResetDone,
    Spoiled,
    Unframer,
    encode,
)

TOO_MANY_TIMEOUTS = 0x51
_ACK_WAIT_FIRST_S, _ACK_WAIT_LEAST_S, _ACK_WAIT_MOST_S = 1.6, 0.4, 3.2
_HOLD_S = 1.0
_MOST_RESPONSES = 32


@dataclass(slots=True)
class _Sent:
    """A DATA frame that the host has not acknowledged."""

    number: int
    payload: bytes
    at: float
    again: bool = False


@dataclass(frozen=True, slots=True)
class ResetAsked:
    """The host sent RST; whoever owns the link resets what is behind it and calls start()."""


class AshLink:
    """One host's link. window is how many frames may be unacknowledged (1 to 7).

    Callbacks wait while the host is not ready, and are refused when limit of them wait already.
    """

    def __init__(self, window: int = 5, limit: int = 255, timeouts: int = 5) -> None:
        if not 1 <= window <= 7:
            raise ValueError(f"an ASH window has 1 to 7 frames, not {window}")
        self._window, self._limit, self._timeouts_allowed = window, limit, timeouts
        self._unframer = Unframer()
        self._out = bytearray()
        self._failed: int | None = None
        self._greeting = False
        self._clear()

    def _clear(self) -> None:
        self._unacked: deque[_Sent] = deque()
        self._responses: deque[bytes] = deque()
        self._callbacks: deque[bytes] = deque()
        self._next_out = self._next_in = 0
        self._rejecting = self._ack_due = False
        self._held_until: float | None = None
        self._ack_wait_s = _ACK_WAIT_FIRST_S
        self._timeouts = 0

    @property
    def failed(self) -> bool:
        """Whether the link has given up and waits for the host's reset."""
        return self._failed is not None

    def start(self, code: int, *, greeting: bool = False) -> None:
        """Start over and say so (RSTACK): on connection, after a reset that was asked for, or out of the blue.

        A greeting also answers the reset that many a host asks for first of all: it would take a second RSTACK for a
        crash.
        """
        self._clear()
        self._failed = None
        self._greeting = greeting
        self._out.clear()
        self._write(ResetDone(code))

    def receive(self, data: bytes, now: float) -> list[bytes | ResetAsked]:
        """Take bytes from the line; returns payloads in order, and resets that the host asks for."""
        events: list[bytes | ResetAsked] = []
        for frame in self._unframer.feed(data):
            self._take(frame, now, events)
        return events

    def respond(self, payload: bytes) -> None:
        """Queue a response: it goes out before any callback."""
        self._responses.append(payload)

    def call_back(self, payload: bytes) -> bool:
        """Queue a callback; False if too many wait already, and it is lost."""
        if len(self._callbacks) >= self._limit:
            return False
        self._callbacks.append(payload)
        return True

    def outgoing(self, now: float) -> bytes:
        """Everything that may be written at this instant."""
        while self._failed is None and len(self._unacked) < self._window:
            if self._responses:
                self._send(self._responses.popleft(), now)
            elif self._callbacks and not self._held(now):
                self._send(self._callbacks.popleft(), now)
            else:
                break
        if self._ack_due:
            self._write(Ack(self._next_in))
        out = bytes(self._out)
        self._out.clear()
        return out

    def deadline(self) -> float | None:
        """The instant by which tick() is due, if nothing comes before; None: nothing is awaited."""
        due = [self._unacked[0].at + self._ack_wait_s] if self._unacked else []
        if self._held_until is not None and self._callbacks:
            due.append(self._held_until)
        return min(due, default=None)

    def tick(self, now: float) -> None:
        """Repeat what was not acknowledged in time, or give up."""
        if self._failed is not None or not self._unacked or now < self._unacked[0].at + self._ack_wait_s:
            return
        self._timeouts += 1
        if self._timeouts > self._timeouts_allowed:
            self._fail(TOO_MANY_TIMEOUTS)
            return
        self._ack_wait_s = min(2 * self._ack_wait_s, _ACK_WAIT_MOST_S)
        self._repeat(now)

    def _take(self, frame: Frame | Spoiled, now: float, events: list[bytes | ResetAsked]) -> None:
        greeted, self._greeting = self._greeting, False
        if isinstance(frame, Reset):
            if not greeted:
                events.append(ResetAsked())
        elif self._failed is not None:
            self._write(Failed(self._failed))
        elif isinstance(frame, Data):
            self._acknowledged(frame.ack, now)
            self._take_data(frame, events)
        elif isinstance(frame, Ack | Nak):
            self._held_until = None if frame.ready else now + _HOLD_S
            self._acknowledged(frame.ack, now)
            if isinstance(frame, Nak):
                self._repeat(now)
        elif isinstance(frame, Spoiled) and frame.looks_like_data:
            self._reject()

    def _take_data(self, frame: Data, events: list[bytes | ResetAsked]) -> None:
        if len(self._responses) >= _MOST_RESPONSES:
            self._reject()  # a host that takes no answers may ask nothing more
        elif frame.number == self._next_in:
            self._next_in = (self._next_in + 1) % 8
            self._rejecting = False
            self._ack_due = True
            events.append(frame.payload)
        elif frame.again:
            self._ack_due = True
        else:
            self._reject()

    def _reject(self) -> None:
        """One NAK per reject condition, which the next frame in sequence ends."""
        if not self._rejecting:
            self._rejecting = True
            self._write(Nak(self._next_in))

    def _acknowledged(self, ack: int, now: float) -> None:
        """Forget the frames before ack, if ack is one that the host can mean."""
        count = (ack - (self._unacked[0].number if self._unacked else self._next_out)) % 8
        if count == 0 or count > len(self._unacked):
            return
        sent = self._unacked[count - 1]
        if not sent.again:
            measured = 7 / 8 * self._ack_wait_s + (now - sent.at) / 2
            self._ack_wait_s = max(_ACK_WAIT_LEAST_S, min(measured, _ACK_WAIT_MOST_S))
        for _ in range(count):
            self._unacked.popleft()
        self._timeouts = 0

    def _held(self, now: float) -> bool:
        if self._held_until is not None and now >= self._held_until:
            self._held_until = None
        return self._held_until is not None

    def _send(self, payload: bytes, now: float) -> None:
        sent = _Sent(self._next_out, payload, now)
        self._next_out = (self._next_out + 1) % 8
        self._unacked.append(sent)
        self._write(Data(sent.number, self._next_in, payload))

    def _repeat(self, now: float) -> None:
        for sent in self._unacked:
            sent.at, sent.again = now, True
            self._write(Data(sent.number, self._next_in, sent.payload, again=True))

    def _fail(self, code: int) -> None:
        self._clear()
        self._failed = code
        self._write(Failed(code))

    def _write(self, frame: Frame) -> None:
        """A DATA frame carries the acknowledgement; it needs no frame of its own then."""
        if isinstance(frame, Data | Ack | Nak):
            self._ack_due = False
        self._out += encode(frame)
