"""On-demand reads as the services tell them: the request's number, and what became of it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.errors import BadIdentifier
from gateway.identifiers import RequestId
from portal.reads.ask import Answer, AskRefusal, Refused
from portal.reads.history import find_read
from portal.reads.shown import OnDemandRead
from portal.reads.status import ReadStatus, is_open
from portal.smt.facade import LIMITS, OVER_LIMIT, SUBMITTED
from portal.smt.latest_read import FAILED
from portal.smt.services.entries import wall
from portal.smt.services.envelope import NUMBER, ServiceRefused
from portal.viewer import Viewer

PENDING = "Request Submitted by API"
RETRIEVED = "ODR retreived successfully"
"""Spelt as the original spells it, for its clients compare."""


def asked(answer: Answer) -> dict[str, Any]:
    """The answer to a request; a refusal of the limit in the original's words, with the exact truth beside it."""
    if not isinstance(answer, Refused):
        return {"correlationId": answer.id, "statusCode": "0", "statusReason": SUBMITTED}
    if answer.reason is AskRefusal.NOT_FOR_YOU:
        raise ServiceRefused(NUMBER, answer.words, 403)
    return {
        "correlationId": "",
        "statusCode": "1",
        "statusReason": OVER_LIMIT if answer.reason in LIMITS else answer.words,
        "message": answer.words,
        "nextAllowedAt": None if answer.next_allowed_at is None else answer.next_allowed_at.isoformat(),
        "usedToday": answer.used_today,
    }


async def status(connection: AsyncConnection, viewer: Viewer, number: str, now: datetime) -> dict[str, Any]:
    """What became of a request. Raises ServiceRefused alike for a number that is nobody's and one of another's."""
    try:
        read = await find_read(connection, viewer, RequestId(number), now)
    except BadIdentifier:
        read = None
    if read is None:
        raise ServiceRefused(NUMBER, "There is no request of this correlationId", 404)
    return {"correlationId": number, **_told(read)}


def _told(read: OnDemandRead) -> Mapping[str, Any]:
    if is_open(read.status):
        return {
            "statusCode": "PEN",
            "statusReason": PENDING,
            "odrRead": {"registeredRead": 0, "readDate": wall(read.asked_at)},
        }
    value = read.value
    if read.status is not ReadStatus.DONE or value is None or value.delivered_wh is None:
        return {"statusCode": "1", "statusReason": FAILED, "reason": read.reason, "odrRead": None}
    found = {"registeredRead": value.delivered_wh / 1000, "readDate": wall(value.read_at)}
    return {"statusCode": "0", "statusReason": RETRIEVED, "odrRead": found}
