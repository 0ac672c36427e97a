"""The portal's exceptions, and the one table that turns refusals and exceptions into RFC 9457 problem bodies.

MetergateError
└── TurnedAway                what a route raises instead of an answer
    ├── SignInRequired        nobody is signed in, or not any more
    ├── NotFound              there is no such thing, or not for this viewer: the two look alike
    ├── NotPermitted          the viewer may see this but not do that
    ├── NoAgreement           the customer's agreement is needed first
    ├── BadInstallCode        an install code that was mistyped
    └── ForgedRequest         a change without the token or from another site
"""

import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from gateway.clock import Clock
from gateway.errors import MetergateError
from portal.accounts.signing_in import SignInRefusal, SignInRefused
from portal.faults import PeopleRefusal, PeopleRefused
from portal.han.ask import DeviceRefusal, DeviceRefused
from portal.orders.request import OrderRefusal, OrderRefused
from portal.reads.ask import AskRefusal, Refused
from portal.usage.report_range import ReportRefusal, ReportRefused
from portal.wishes.placing import WishRefusal, WishRefused


class TurnedAway(MetergateError):
    """What a route raises instead of an answer."""


class SignInRequired(TurnedAway):
    """Nobody is signed in, or not any more."""


class NotFound(TurnedAway):
    """There is no such thing, or not for this viewer: the two look alike."""


class NotPermitted(TurnedAway):
    """The viewer may see this but not do that; the words, if there are any, say who may."""


class NoAgreement(TurnedAway):
    """What the viewer asks for needs the customer's agreement, which he has not; the words say what to do."""


class BadInstallCode(TurnedAway):
    """An install code that was mistyped; the words say how, without its digits."""


class ForgedRequest(TurnedAway):
    """A change without its session's token, or one that another site made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A problem as RFC 9457 writes it; more are its members beside the standard ones."""

    status: int
    type: str
    title: str
    detail: str
    more: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        """The JSON object."""
        more: dict[str, Any] = jsonable_encoder(dict(self.more))
        return {"type": self.type, "title": self.title, "status": self.status, "detail": self.detail, **more}


_SIGN_IN = "Sign in, or send a token that is still good."
_REFUSED_REPORT = (HTTPStatus.UNPROCESSABLE_ENTITY, "bad-report", "The report cannot be had like this")
_NO_AGREEMENT = (HTTPStatus.FORBIDDEN, "no-agreement", "An In-Home Device agreement is needed")
_REFUSED_SIGN_IN = (HTTPStatus.FORBIDDEN, "no-entry", "You may not enter")

PROBLEMS: Mapping[object, tuple[HTTPStatus, str, str]] = {
    SignInRequired: (HTTPStatus.UNAUTHORIZED, "sign-in-required", _SIGN_IN),
    NotFound: (HTTPStatus.NOT_FOUND, "not-found", "There is nothing here for you."),
    NotPermitted: (HTTPStatus.FORBIDDEN, "not-permitted", "You may not do this."),
    NoAgreement: _NO_AGREEMENT,
    ForgedRequest: (HTTPStatus.FORBIDDEN, "forged-request", "This change did not come from the portal's own page."),
    BadInstallCode: (HTTPStatus.UNPROCESSABLE_ENTITY, "bad-install-code", "The install code is not right"),
    SignInRefusal.WRONG: (HTTPStatus.UNAUTHORIZED, "wrong-sign-in", "The sign-in is not right"),
    SignInRefusal.THROTTLED: (HTTPStatus.TOO_MANY_REQUESTS, "throttled", "Too many wrong passwords"),
    SignInRefusal.FIRST_SIGN_IN: _REFUSED_SIGN_IN,
    SignInRefusal.ACCOUNT: _REFUSED_SIGN_IN,
    SignInRefusal.COMPANY: _REFUSED_SIGN_IN,
    SignInRefusal.DUNS: _REFUSED_SIGN_IN,
    SignInRefusal.EXPIRED: _REFUSED_SIGN_IN,
    SignInRefusal.SECOND_FACTOR: (HTTPStatus.FORBIDDEN, "second-factor", "A second factor is asked for"),
    SignInRefusal.CODE: (HTTPStatus.UNAUTHORIZED, "wrong-code", "The code is not right"),
    AskRefusal.HOUR: (HTTPStatus.TOO_MANY_REQUESTS, "read-limit", "The meter may not be read again yet"),
    AskRefusal.DAY: (HTTPStatus.TOO_MANY_REQUESTS, "read-limit", "The meter may not be read again yet"),
    AskRefusal.NO_GATEWAY: (HTTPStatus.CONFLICT, "no-gateway", "The meter cannot be read on demand"),
    AskRefusal.NOT_FOR_YOU: (HTTPStatus.FORBIDDEN, "not-permitted", "You may not do this."),
    AskRefusal.BUSY: (HTTPStatus.SERVICE_UNAVAILABLE, "busy", "Too many reads are waiting"),
    DeviceRefusal.NOT_FOR_YOU: (HTTPStatus.FORBIDDEN, "not-permitted", "You may not do this."),
    DeviceRefusal.NO_AGREEMENT: _NO_AGREEMENT,
    DeviceRefusal.NO_GATEWAY: (HTTPStatus.CONFLICT, "no-gateway", "No gateway serves this meter"),
    DeviceRefusal.NO_SUCH_GATEWAY: (HTTPStatus.UNPROCESSABLE_ENTITY, "no-such-gateway", "You have no such gateway"),
    DeviceRefusal.NO_SEALING_KEY: (HTTPStatus.CONFLICT, "no-sealing-key", "The gateway takes no install codes"),
    DeviceRefusal.AT_ANOTHER_METER: (HTTPStatus.CONFLICT, "at-another-meter", "The device is at another meter"),
    DeviceRefusal.JOINING: (HTTPStatus.CONFLICT, "joining", "The device is joining already"),
    DeviceRefusal.MOVING: (HTTPStatus.CONFLICT, "moving", "The meter is on its way between gateways"),
    DeviceRefusal.UNKNOWN_DEVICE: (HTTPStatus.NOT_FOUND, "not-found", "There is nothing here for you."),
    DeviceRefusal.TOO_MANY: (HTTPStatus.SERVICE_UNAVAILABLE, "busy", "Too many commands are waiting"),
    **dict.fromkeys(ReportRefusal, _REFUSED_REPORT),
    OrderRefusal.REPORT: _REFUSED_REPORT,
    OrderRefusal.LIST: (HTTPStatus.UNPROCESSABLE_ENTITY, "bad-list", "The list of meters is not right"),
    OrderRefusal.NO_METERS: (HTTPStatus.UNPROCESSABLE_ENTITY, "no-meters", "No meter of the list is yours"),
    OrderRefusal.TOO_MANY_ORDERS: (HTTPStatus.TOO_MANY_REQUESTS, "too-many-orders", "Too many orders are in process"),
    OrderRefusal.KEY_USED: (HTTPStatus.CONFLICT, "key-used", "The key names another request"),
    OrderRefusal.NOT_NOW: (HTTPStatus.CONFLICT, "not-now", "The order is not in a state for this"),
    OrderRefusal.SENT_LATELY: (HTTPStatus.TOO_MANY_REQUESTS, "sent-lately", "The mail was sent a short while ago"),
    WishRefusal.NOT_FOR_YOU: (HTTPStatus.FORBIDDEN, "not-permitted", "You may not do this."),
    WishRefusal.TOO_MANY: (HTTPStatus.TOO_MANY_REQUESTS, "too-many-reads", "Too many reads are wished for"),
    WishRefusal.NO_METERS: (HTTPStatus.UNPROCESSABLE_ENTITY, "no-meters", "No meter of the list is yours"),
    WishRefusal.INSTANT: (HTTPStatus.UNPROCESSABLE_ENTITY, "bad-instant", "No read can be booked for this instant"),
    PeopleRefusal.FORM: (HTTPStatus.UNPROCESSABLE_ENTITY, "bad-form", "Some of the fields are not right"),
    PeopleRefusal.NOT_FOR_YOU: (HTTPStatus.FORBIDDEN, "not-permitted", "You may not do this."),
    PeopleRefusal.NOT_THERE: (HTTPStatus.NOT_FOUND, "not-found", "There is nothing here for you."),
    PeopleRefusal.NOT_NOW: (HTTPStatus.CONFLICT, "not-now", "Its status does not allow this"),
    PeopleRefusal.FIVE_ADMINISTRATORS: (HTTPStatus.CONFLICT, "five-administrators", "There are four administrators"),
    PeopleRefusal.LAST_ADMINISTRATOR: (HTTPStatus.CONFLICT, "last-administrator", "The last active administrator"),
    PeopleRefusal.CHANGED_MEANWHILE: (HTTPStatus.CONFLICT, "changed-meanwhile", "It was changed meanwhile"),
    PeopleRefusal.TOO_OFTEN: (HTTPStatus.TOO_MANY_REQUESTS, "throttled", "Too many requests from your address"),
    PeopleRefusal.NO_SUCH_PAIR: (HTTPStatus.UNPROCESSABLE_ENTITY, "no-such-pair", "The meter cannot be added"),
    PeopleRefusal.HELD: (HTTPStatus.CONFLICT, "held", "The meter is attached to another account"),
}
"""Every refusal and exception that reaches the edge: its status, the last part of its type, and its title."""

BUSY_RETRY_S = 5


def problem_of_exception(error: Exception) -> Problem:
    """The problem that an exception means; one that is not in the table is a fault of ours and says nothing more."""
    if isinstance(error, RequestValidationError):
        faults = [{"where": ".".join(map(str, e["loc"])), "what": e["msg"]} for e in error.errors()]
        return _problem(HTTPStatus.UNPROCESSABLE_ENTITY, "bad-request", "The request is not right.", faults=faults)
    if isinstance(error, HTTPException):
        if error.status_code == HTTPStatus.NOT_FOUND:
            return problem_of_exception(NotFound())
        status = HTTPStatus(error.status_code)
        return _problem(status, status.phrase.lower().replace(" ", "-"), f"{status.phrase}.")
    known = PROBLEMS.get(type(error))
    if known is None:
        return _problem(HTTPStatus.INTERNAL_SERVER_ERROR, "fault", "Something went wrong here; it has been noted.")
    detail = str(error) if isinstance(error, BadInstallCode | NotPermitted | NoAgreement) else None
    headers = {"WWW-Authenticate": 'Bearer realm="metergate"'} if isinstance(error, SignInRequired) else {}
    return _problem(*known, detail, headers=headers)


Refusal = WishRefused | Refused | SignInRefused | DeviceRefused | ReportRefused | OrderRefused | PeopleRefused


def problem_of_refusal(refusal: Refusal, clock: Clock) -> Problem:
    """The problem that a refusal means, with all that it knows: for a limit, when a read may be had again."""
    status, kind, title = PROBLEMS[refusal.reason]
    if isinstance(refusal, ReportRefused | OrderRefused):
        more: dict[str, Any] = {} if refusal.bound is None else {"bound": refusal.bound.isoformat()}
        if isinstance(refusal, OrderRefused) and refusal.faults:
            more |= {"faults": refusal.faults, "more": refusal.more}
        wait_s = refusal.retry_in_s if isinstance(refusal, OrderRefused) else None
        return _problem(status, kind, title, refusal.words, headers=_retry_after(wait_s), reason=refusal.reason, **more)
    if isinstance(refusal, PeopleRefused):
        faults = [{"where": field, "what": words} for field, words in refusal.faults.items()]
        about: dict[str, Any] = {"reason": refusal.reason} | ({"faults": faults} if faults else {})
        return _problem(status, kind, title, refusal.words, headers=_retry_after(refusal.retry_in_s), **about)
    if isinstance(refusal, DeviceRefused):
        busy_s = BUSY_RETRY_S if refusal.reason is DeviceRefusal.TOO_MANY else None
        return _problem(status, kind, title, refusal.words, headers=_retry_after(busy_s))
    if isinstance(refusal, WishRefused):
        return _problem(status, kind, title, refusal.words)
    if isinstance(refusal, SignInRefused):
        wait_s = refusal.retry_in_s
        return _problem(status, kind, title, refusal.words, headers=_retry_after(wait_s))
    if refusal.next_allowed_at is None:
        wait_s = BUSY_RETRY_S if refusal.reason is AskRefusal.BUSY else None
        return _problem(status, kind, title, refusal.words, headers=_retry_after(wait_s))
    wait_s = (refusal.next_allowed_at - clock.now()).total_seconds()
    return _problem(
        status,
        kind,
        title,
        refusal.words,
        headers=_retry_after(wait_s),
        reason=refusal.reason,
        retry_at=refusal.next_allowed_at.isoformat().replace("+00:00", "Z"),
        used_today=refusal.used_today,
        per_day=refusal.per_day,
    )


def problem_of_faults(faults: Mapping[str, str]) -> Problem:
    """The problem of fields that rules refused, in the form in which faulty requests are told."""
    told = [{"where": f"body.{name}", "what": words} for name, words in faults.items()]
    return _problem(HTTPStatus.UNPROCESSABLE_ENTITY, "bad-request", "The request is not right.", faults=told)


def problem_response(problem: Problem) -> JSONResponse:
    """A problem as a response."""
    return JSONResponse(
        problem.body(),
        status_code=problem.status,
        headers=dict(problem.headers),
        media_type="application/problem+json",
    )


ErrorPage = Callable[[Request, Problem], Awaitable[Response]]
"""How pages show a problem to a person."""

API = "/api/"


def install(app: FastAPI, error_page: ErrorPage | None) -> None:
    """Let an application answer exceptions by the table: in JSON under /api/, elsewhere with a page if there is one."""

    async def answer(request: Request, error: Exception) -> Response:
        problem = problem_of_exception(error)
        if error_page is None or request.url.path.startswith(API):
            return problem_response(problem)
        return await error_page(request, problem)

    for kind in (TurnedAway, RequestValidationError, HTTPException, Exception):
        app.add_exception_handler(kind, answer)


def _problem(
    status: HTTPStatus,
    kind: str,
    title: str,
    detail: str | None = None,
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> Problem:
    return Problem(
        status=status.value,
        type=f"urn:metergate:problem:{kind}",
        title=title,
        detail=detail or title,
        more=more,
        headers=headers or {},
    )


def _retry_after(seconds: float | None) -> dict[str, str]:
    """The header in whole seconds, rounded up: a client that obeys it is never early."""
    return {} if seconds is None else {"Retry-After": str(max(0, math.ceil(seconds)))}
