"""One open line: one request on it at a time, its answer checked, and every way of failing named."""

import asyncio
import logging
import ssl
import struct
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import serialx
from pymodbus import ModbusException
from pymodbus.framer import FramerBase, FramerRTU, FramerSocket
from pymodbus.pdu import DecodePDU, ModbusPDU
from pymodbus.pdu.register_message import ReadHoldingRegistersRequest, ReadInputRegistersRequest
from pymodbus.transaction import TransactionManager
from pymodbus.transport import CommParams, CommType

from drivers.modbus.planner import Span
from drivers.modbus.settings import ModbusSettings, NetworkLine, SerialLine
from gateway.clock import Clock
from gateway.errors import BadReading, Fault, LinkLost, Unreachable, Unsupported

HOLDING, INPUT = 3, 4
_REQUESTS: dict[int, type[ModbusPDU]] = {HOLDING: ReadHoldingRegistersRequest, INPUT: ReadInputRegistersRequest}
_MALFORMED = (ModbusException, ValueError, IndexError, struct.error)
"""What pymodbus may raise over bytes that are no answer."""

_REFUSALS: dict[int, tuple[type[Fault], str]] = {
    1: (Unsupported, "the meter does not know the function"),
    2: (Unsupported, "the meter does not have these registers"),
    3: (Unsupported, "the meter does not take so many registers at once"),
    4: (BadReading, "the meter failed while it answered"),
    5: (Unreachable, "the meter needs more time"),
    6: (Unreachable, "the meter is busy"),
    8: (BadReading, "the meter's memory is corrupt"),
    10: (Unreachable, "the converter has no path to the meter"),
    11: (Unreachable, "the meter did not answer the converter"),
}
"""Exception codes. Source: Modbus Application Protocol 1.1b3, section 7."""


class Line:
    """A line from its opening to its loss. lost is set, with the reason in words, at that moment."""

    def __init__(self, told: ModbusSettings, clock: Clock) -> None:
        self._told, self._clock = told, clock
        self._serial_frames = isinstance(told.line, SerialLine) or told.line.rtu
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._wire = _Wire(FramerRTU if self._serial_frames else FramerSocket, self.lose)
        self._turn = asyncio.Lock()
        self._silences = 0
        self._quiet_until: dict[int, float] = {}

    async def open(self) -> None:
        """Open the port or the device. Raises LinkLost, whatever the reason."""
        told, where = self._told, self._told.line
        try:
            async with asyncio.timeout(told.open_timeout_s):
                await (_dial(self._wire, where, told) if isinstance(where, NetworkLine) else _plug(self._wire, where))
        except TimeoutError:
            raise LinkLost(f"{told.link} did not open within {told.open_timeout_s:g} s") from None
        except (OSError, ValueError, serialx.SerialException) as error:  # ValueError: settings that nothing can have
            raise LinkLost(f"{told.link} cannot be opened: {error}") from error

    def close(self, reason: str) -> None:
        """Close the line and fail what waits for an answer."""
        self.lose(reason)
        self._wire.close()

    def lose(self, reason: str) -> None:
        """Note that the line is gone; only the first reason counts."""
        if not self.lost.done():
            self.lost.set_result(reason)
        self._wire.fail(LinkLost(self.lost.result()))

    @asynccontextmanager
    async def turn(self, unit: int) -> AsyncIterator[None]:
        """The line to oneself, once no late answer of the unit is to be feared; others may go first meanwhile."""
        while True:
            if pause_s := self._unsettled_s(unit):
                await self._clock.sleep(pause_s)
            async with self._turn:
                if not self._unsettled_s(unit):
                    yield
                    return

    async def ask(self, unit: int, function: int, span: Span) -> Sequence[int]:
        """One request and its answer: span.count words of 16 bits. The caller has its turn.

        Raises Unreachable without an answer in time, LinkLost, and for answers BadReading, Unsupported, Unreachable.
        """
        request = _REQUESTS[function](dev_id=unit, address=span.first, count=span.count)
        answered = False
        if self._serial_frames:
            await self._clock.sleep(self._told.frame_gap_s)
        if self.lost.done():
            raise LinkLost(self.lost.result())
        try:
            answer = await self._wire.exchange(request, self._told.attempt_timeout_s)
            answered = True
        except BadReading:
            answered = True
            raise
        finally:
            self._heard(unit, answered)
        return _words(answer, request)

    def _heard(self, unit: int, answered: bool) -> None:
        """Count silences, and remember who may still answer late."""
        self._silences = 0 if answered else self._silences + 1
        if not answered and self._serial_frames:
            self._quiet_until[unit] = self._clock.monotonic() + self._told.settle_s
        if self._silences >= self._told.silences:
            self.close(f"{self._silences} requests in a row were not answered")

    def _unsettled_s(self, unit: int) -> float:
        """How long a late answer of the unit may still come."""
        return max(0.0, self._quiet_until.get(unit, 0.0) - self._clock.monotonic())


class _Holding(ModbusPDU):
    """The answer to a read of registers, taken whole or not at all; pymodbus's own forgives lengths that lie."""

    function_code = HOLDING
    rtu_byte_count_pos = 2

    def decode(self, data: bytes) -> None:
        """Take the words. Raises ValueError if there are not as many as the answer says."""
        size = data[0]
        if size % 2 or len(data) != 1 + size:
            raise ValueError("the answer is not as long as it says")
        self.registers = struct.unpack(f">{size // 2}H", data[1:])

    def __str__(self) -> str:
        """The name alone: pymodbus asks for it at every answer, whether it logs or not."""
        return type(self).__name__


class _Input(_Holding):
    """The same for input registers."""

    function_code = INPUT


class _Wire(TransactionManager):
    """pymodbus's client side of a connection; it is opened and closed from outside and never reconnects by itself."""

    def __init__(self, framer: type[FramerBase], lost: Callable[[str], None]) -> None:
        params = CommParams(comm_type=CommType.TCP, comm_name="metergate")
        super().__init__(params, framer(DecodePDU(False)), 0, False, None, None, None)
        self.framer.decoder.register(_Holding)
        self.framer.decoder.register(_Input)
        self._lost = lost
        self._waiting = False

    async def exchange(self, request: ModbusPDU, timeout_s: float) -> ModbusPDU:
        """Send a request and wait for what answers it. Raises Unreachable, LinkLost or BadReading.

        Stands in for pymodbus's execute, whose lock, repetitions and hang-ups after silences are the driver's to decide
        upon, and whose wait_for costs a turn of the loop for each answer.
        """
        request.transaction_id = self.getNextTID()
        self.response_future = self.loop.create_future()
        self._waiting = True
        timer = self.loop.call_later(timeout_s, self.fail, Unreachable(f"no answer within {timeout_s:g} s"))
        try:
            self.pdu_send(request)
            answer: ModbusPDU = await self.response_future
            return answer
        finally:
            timer.cancel()
            self._waiting = False

    def fail(self, fault: Fault) -> None:
        """End the request that waits, if there is one."""
        if self._waiting and not self.response_future.done():
            self.response_future.set_exception(fault)

    def callback_data(self, data: bytes, addr: tuple[Any, ...] | None = None) -> int:
        """Take bytes; those that no pymodbus decoder accepts end the request, not the connection."""
        try:
            return super().callback_data(data, addr)
        except _MALFORMED:
            self.fail(BadReading("the answer is no Modbus answer"))
            return len(data)

    def callback_disconnected(self, exc: Exception | None) -> None:
        """The other side hung up, or the device is gone."""
        self._lost(f"the connection was lost ({exc})" if exc else "the other side closed the connection")


async def _dial(wire: _Wire, where: NetworkLine, told: ModbusSettings) -> None:
    context = None
    if where.secure:
        context = ssl.create_default_context(cafile=told.ca)
        if told.certificate is not None:
            context.load_cert_chain(told.certificate, told.key)
    await asyncio.get_running_loop().create_connection(lambda: wire, where.host, where.port, ssl=context)


async def _plug(wire: _Wire, where: SerialLine) -> None:
    await serialx.create_serial_connection(
        asyncio.get_running_loop(),
        lambda: wire,  # type: ignore[arg-type,return-value]  # it has all methods of a Protocol, and not its name
        where.device,
        baudrate=where.baudrate,
        parity=serialx.Parity(where.parity),
        stopbits=serialx.StopBits(where.stopbits),
    )


def _words(answer: ModbusPDU, request: ModbusPDU) -> Sequence[int]:
    """The registers of an answer that is one to the request; the faults of a refusal."""
    if (answer.dev_id, answer.transaction_id) != (request.dev_id, request.transaction_id):
        raise BadReading("the answer is to another request")
    if answer.function_code == request.function_code | 0x80:
        kind, words = _REFUSALS.get(answer.exception_code, (BadReading, "the meter refused"))
        raise kind(f"{words} (exception {answer.exception_code})")
    if answer.function_code != request.function_code or len(answer.registers) != request.count:
        raise BadReading("the meter answered something else than it was asked")
    return answer.registers


def quieten() -> None:
    """pymodbus logs every silence and every stray byte as an error; whoever reads gets them as faults."""
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
