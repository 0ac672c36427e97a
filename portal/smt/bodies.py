"""Request bodies: a JSON object of bounded size, whatever Content-Type it came with, or a refusal in words."""

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from starlette.requests import ClientDisconnect, Request

from gateway.errors import BadIdentifier, BadInput
from gateway.identifiers import EsiId
from portal.smt.interval_text import DATE

LONGEST_BODY = 65_536


class BadBody(BadInput):
    """A body that cannot be used, with the HTTP status that says so."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


async def read_body(request: Request) -> dict[str, Any]:
    """The JSON object of a request; no body is an empty one. Raises BadBody."""
    return decode(await read_bytes(request))


async def read_bytes(request: Request) -> bytes:
    """The bytes of a request, not more than LONGEST_BODY. Raises BadBody."""
    body = bytearray()
    try:
        async for piece in request.stream():
            body += piece
            if len(body) > LONGEST_BODY:
                raise BadBody(413, f"The body is longer than {LONGEST_BODY} bytes")
    except ClientDisconnect:
        raise BadBody(400, "The body ended early") from None
    return bytes(body)


def decode(body: bytes) -> dict[str, Any]:
    """The JSON object in some bytes; blanks alone are an empty one. Raises BadBody."""
    if not body.strip():
        return {}
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise BadBody(400, "The body is not JSON") from None
    if not isinstance(found, dict):
        raise BadBody(400, "The body is not a JSON object")
    return found


def text(body: Mapping[str, Any], key: str) -> str:
    """A field as text, by its name in any case; empty if it is absent or something else."""
    found = next((value for name, value in body.items() if name.lower() == key.lower()), "")
    if isinstance(found, list):
        found = found[0] if found else ""
    return found if isinstance(found, str) else ""


def esi_id(body: Mapping[str, Any]) -> EsiId | None:
    """The ESI ID that a body names (of a list the first), None if it is not of an ESI ID's form."""
    try:
        return EsiId(text(body, "ESIID").strip().removeprefix("'"))
    except BadIdentifier:
        return None


def day(body: Mapping[str, Any], key: str) -> date | None:
    """A date MM/DD/YYYY, None if it is not one."""
    try:
        return datetime.strptime(text(body, key), DATE).date()  # noqa: DTZ007  # a Chicago calendar day, no instant
    except ValueError:
        return None
