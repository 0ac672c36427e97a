"""How the client talks: bearer token, JSON in and out, problems as exceptions, patience where the portal asks it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, Self

import aiohttp
from pydantic import TypeAdapter, ValidationError

from gateway.errors import MetergateError

API = "/api/v1"
TIMEOUT_S = 60.0
"""Longer than the longest long poll."""
REFUSED_FOR_NOW = (429, 503)
"""What was not done, and may be asked again after Retry-After seconds."""


class Problem(MetergateError):
    """An answer that is no success: an RFC 9457 body, its status, and after how many seconds to ask again."""

    def __init__(self, status: int, body: Mapping[str, Any], retry_after_s: float | None = None) -> None:
        super().__init__(f"{status} {body.get('title', '')} {body.get('detail', '')}".strip())
        self.status = status
        self.type = str(body.get("type", ""))
        self.body = body
        self.retry_after_s = retry_after_s


class Connection:
    """One person's or program's way to a portal; use it as `async with`. An API key is a token too.

    What the portal refuses for now is asked again by itself, `tries` times at most, where the pause that it names is
    not longer than patience_s; a meter's hourly limit is longer, so it is a Problem at once.
    """

    def __init__(
        self,
        address: str,
        token: str | None = None,
        *,
        patience_s: float = 30.0,
        tries: int = 5,
        session: aiohttp.ClientSession | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """address is the portal's, such as https://portal.example; a session that is given is not closed."""
        self._address = address.rstrip("/") + API
        self.token = token
        self._patience_s = patience_s
        self._tries = tries
        self._own = session is None
        self._session = session
        self._sleep = sleep

    async def __aenter__(self) -> Self:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S))
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._own and self._session is not None:
            await self._session.close()
            self._session = None

    async def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str | None] | None = None,
        body: object = None,
    ) -> bytes:
        """Ask, perhaps several times; the body of a success. Raises Problem."""
        sent = {name: value for name, value in (headers or {}).items() if value is not None}
        if self.token is not None:
            sent["Authorization"] = f"Bearer {self.token}"
        asked = {name: _text(value) for name, value in (query or {}).items() if value is not None}
        content = None if body is None else dumped(body)
        if content is not None:
            sent["Content-Type"] = "application/json"
        for left in range(self._tries - 1, -1, -1):
            status, answer, retry_after_s = await self._once(method, path, asked, sent, content)
            if status < 400:
                return answer
            problem = Problem(status, _problem_body(answer), retry_after_s)
            is_worth_it = retry_after_s is not None and retry_after_s <= self._patience_s
            if not left or status not in REFUSED_FOR_NOW or not is_worth_it:
                raise problem
            await self._sleep(retry_after_s or 0.0)
        raise AssertionError("the last try returns or raises")

    async def _once(
        self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], content: bytes | None
    ) -> tuple[int, bytes, float | None]:
        assert self._session is not None, "a connection is used inside `async with`"
        asking = self._session.request(
            method, self._address + path, params=query, headers=headers, data=content, allow_redirects=False
        )
        async with asking as response:
            after = response.headers.get("Retry-After", "")
            return response.status, await response.read(), float(after) if after.isdigit() else None


@lru_cache(maxsize=512)
def adapter(kind: Any) -> TypeAdapter[Any]:
    """What turns JSON into a type; made once."""
    return TypeAdapter(kind)


def read_as(kind: Any, content: bytes) -> Any:
    """An answer as a value of a type. Fields that are not known here are passed over. Raises Problem."""
    try:
        return adapter(kind).validate_json(content)
    except ValidationError as error:
        told = {"title": "The portal's answer is not what this client knows", "detail": f"{error.error_count()} faults"}
        raise Problem(502, told) from error


def dumped(body: object) -> bytes:
    """A body as JSON, without the fields that were left out."""
    kind: Any = type(body)
    return adapter(kind).dump_json(body, exclude_defaults=True)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, StrEnum):
        return value.value
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


def _problem_body(answer: bytes) -> Mapping[str, Any]:
    try:
        found = adapter(dict[str, Any]).validate_json(answer)
    except ValidationError:
        return {"title": answer[:200].decode(errors="replace")}
    return dict(found)
