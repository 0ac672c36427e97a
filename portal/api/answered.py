"""From an answer or a refusal about people and companies to a response."""

from typing import TypeVar

from fastapi import Request
from fastapi.responses import JSONResponse

from portal.accounts.throttle import Throttle
from portal.context import portal_of
from portal.errors import problem_of_refusal, problem_response
from portal.faults import PeopleRefusal, PeopleRefused

T = TypeVar("T")


def answered(request: Request, answer: T | PeopleRefused) -> T | JSONResponse:
    """The answer itself, or the problem that a refusal means."""
    if isinstance(answer, PeopleRefused):
        return problem_response(problem_of_refusal(answer, portal_of(request).clock))
    return answer


def too_often(request: Request, throttle: Throttle) -> PeopleRefused | None:
    """Counts this request for its address; the refusal if there were too many."""
    address = request.client.host if request.client else ""
    wait_s = throttle.retry_in_s(address)
    if wait_s > 0:
        words = "Too many of these came from your address. Please come again later."
        return PeopleRefused(reason=PeopleRefusal.TOO_OFTEN, words=words, retry_in_s=wait_s)
    throttle.miss(address)
    return None
