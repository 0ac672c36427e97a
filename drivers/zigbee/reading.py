"""Attributes of one meter over the air: ask, check that the answer is an answer, and name what went wrong."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, TypeVar

import zigpy.types as t
from bellows.ash import AshException  # type: ignore[import-untyped]  # bellows ships no types
from bellows.types import sl_Status  # type: ignore[import-untyped]  # bellows ships no types
from zigpy.exceptions import DeliveryError, ParsingError, ZigbeeException
from zigpy.zcl import Cluster, foundation

from drivers.zigbee.metering import NOT_AUTHORISED, Answers, Refused, Value
from drivers.zigbee.reported import Wish, refusals
from gateway.errors import BadReading, Fault, Unauthorised, Unreachable, Unsupported

T = TypeVar("T")

NOT_FOUND = 0x8B

_TO_BE_ASKED_ALONE = foundation.Status.INSUFFICIENT_SPACE
_NO_SUCH_CLUSTER = frozenset({0x81, 0x82, 0xC3})
"""Statuses by which a node says that the cluster, or reading it, is unknown to it."""


class KeyMissing(Unauthorised):
    """The co-processor has no authorised link key for the address that it was to send to."""


async def ask(meter: Cluster, attributes: Sequence[int], timeout_s: float) -> Answers:
    """Read attributes in one frame; those that did not fit into the answer are asked again, alone.

    Raises Unreachable if there is no answer within timeout_s (each frame has that long), and the faults of a refusal.
    """
    answers = await _ask_once(meter, attributes, timeout_s)
    for attribute in [attribute for attribute in attributes if attribute not in answers]:
        answers |= await _ask_once(meter, [attribute], timeout_s)
    return answers


async def command(
    meter: Cluster, definition: foundation.ZCLCommandDef, timeout_s: float, fields: Mapping[str, Any]
) -> Any:
    """Give a command of the cluster's own and await its answer, a schema of its client's commands.

    Raises as ask() does.
    """
    answer = await _answered(meter.command(definition.id, timeout=timeout_s, retries=0, **fields), timeout_s)
    if isinstance(answer, foundation.DefaultResponse):
        raise _refused(definition.name, int(answer.status))
    if not isinstance(answer, foundation.CommandSchema) or type(answer).command.id != definition.id:
        raise BadReading("the meter answered with another command")
    return answer


async def configure_reports(meter: Cluster, wishes: Sequence[Wish], timeout_s: float) -> dict[int, int]:
    """Ask for reports of attributes in one frame; returns those that are refused, with their status.

    Raises as ask() does.
    """
    asking = meter.general_command(
        foundation.GeneralCommand.Configure_Reporting, [_config(wish) for wish in wishes], timeout=timeout_s, retries=0
    )
    answer = await _answered(asking, timeout_s)
    if isinstance(answer, foundation.DefaultResponse):
        raise _refused("Configure Reporting", int(answer.status))
    if not hasattr(answer, "status_records"):
        raise BadReading("the meter answered with another command")
    return refusals((int(record.status), record.attrid) for record in answer.status_records)


def values_of(report: Any) -> dict[int, Value]:
    """The numbers in Report Attributes, by attribute; of doubles the first counts."""
    values: dict[int, Value] = {}
    for record in report.attribute_reports:
        if isinstance(record.value.value, int):
            values.setdefault(int(record.attrid), Value(type=int(record.value.type), number=int(record.value.value)))
    return values


def _config(wish: Wish) -> foundation.AttributeReportingConfig:
    """A wish as zigpy writes it; it leaves the change out where the type has none."""
    config = foundation.AttributeReportingConfig()
    config.direction = foundation.ReportingDirection.SendReports
    config.attrid = t.uint16_t(wish.attribute)  # type: ignore[no-untyped-call]  # zigpy's is unannotated
    config.datatype = foundation.DataTypeId(wish.type)  # type: ignore[no-untyped-call]  # zigpy's is unannotated
    config.min_interval = config.max_interval = wish.every_s
    config.reportable_change = wish.change
    return config


async def _ask_once(meter: Cluster, attributes: Sequence[int], timeout_s: float) -> dict[int, Value | Refused]:
    """One frame there, one back; zigpy's own repetitions are off."""
    asking = meter.read_attributes_raw(list(attributes), timeout=timeout_s, retries=0)
    return _records(await _answered(asking, timeout_s), attributes)


async def _answered(asking: Awaitable[T], timeout_s: float) -> T:
    """An answer within timeout_s, or the fault that zigpy's and bellows' exceptions mean."""
    try:
        async with asyncio.timeout(timeout_s):
            return await asking
    except TimeoutError:
        raise Unreachable(f"no answer within {timeout_s:g} s") from None
    except DeliveryError as error:
        raise undelivered(error) from None
    except ParsingError:
        raise BadReading("the meter's answer is not a frame of the cluster library") from None
    except (ZigbeeException, AshException) as error:
        raise Unreachable(f"the co-processor did not send ({type(error).__name__})") from None


def undelivered(error: DeliveryError) -> Fault:
    """What a delivery failure means: the co-processor has no key for the node, or the node did not acknowledge."""
    status = sl_Status.FAIL if error.status is None else sl_Status.from_ember_status(error.status)
    if status == sl_Status.ZIGBEE_KEY_NOT_AUTHORIZED:
        return KeyMissing("the co-processor has no authorised link key for the meter")
    return Unreachable(f"the message was not delivered ({status.name})")


def _records(answer: object, attributes: Sequence[int]) -> dict[int, Value | Refused]:
    """The records of an answer that were asked for; the first wins where one is repeated."""
    if isinstance(answer, foundation.DefaultResponse):
        raise _refusal(int(answer.status))
    if not isinstance(answer, foundation.ReadAttributesResponse):
        raise BadReading("the meter answered with another command")
    found: dict[int, Value | Refused] = {}
    for record in answer.status_records:
        if record.attrid in attributes and record.status != _TO_BE_ASKED_ALONE:
            found.setdefault(int(record.attrid), _answer(record))
    return found


def _answer(record: foundation.ReadAttributeRecord) -> Value | Refused:
    """One record as the metering rules take it."""
    if record.status != foundation.Status.SUCCESS:
        return Refused(status=int(record.status))
    if not isinstance(record.value, foundation.TypeValue) or not isinstance(record.value.value, int):
        raise BadReading(f"attribute 0x{record.attrid:04X} is not a number")
    return Value(type=int(record.value.type), number=int(record.value.value))


def _refused(name: str, status: int) -> Fault:
    """A default response where a command of the cluster's own was due."""
    if status == NOT_AUTHORISED:
        return Unauthorised("the meter does not let us read")
    if status in _NO_SUCH_CLUSTER or status == NOT_FOUND:
        return Unsupported(f"the meter has no answer to {name} (status 0x{status:02X})")
    return BadReading(f"the meter refused {name} with status 0x{status:02X}")


def _refusal(status: int) -> Fault:
    """A default response where attributes were due."""
    if status == NOT_AUTHORISED:
        return Unauthorised("the meter does not let us read")
    if status in _NO_SUCH_CLUSTER:
        return Unsupported(f"the meter does not know the Metering cluster (status 0x{status:02X})")
    return BadReading(f"the meter refused with status 0x{status:02X}")
