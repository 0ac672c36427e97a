"""What pages do with refusals of what people ask for their companies: words beside the form, or a page of its own."""

from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import Request
from fastapi.responses import Response

from portal.context import portal_of
from portal.errors import NotFound, NotPermitted, problem_of_refusal
from portal.faults import PeopleRefusal, PeopleRefused
from portal.pages.forms import Form

BAD_FORM = 422
"""The status of a form that comes back with its faults."""


@dataclass(frozen=True, slots=True)
class LeftAsItWas:
    """One of several that a change refused: who or what it is, and why."""

    what: str
    why: str


def turn_away(refused: PeopleRefused) -> None:
    """Raises for refusals that leave nothing to show: not there, or not for this viewer."""
    if refused.reason is PeopleRefusal.NOT_THERE:
        raise NotFound
    if refused.reason is PeopleRefusal.NOT_FOR_YOU:
        raise NotPermitted


def with_refusal(form: Form, refused: PeopleRefused, at: str) -> Form:
    """The form with a refusal's faults, or with its words at a place of the page if it has none of its own."""
    return form.judged(dict(refused.faults) or {at: refused.words})


def marked(request: Request, response: Response, refused: PeopleRefused) -> Response:
    """A page that shows a refusal, with the status and the headers that go with it."""
    problem = problem_of_refusal(refused, portal_of(request).clock)
    response.status_code = problem.status
    response.headers.update(problem.headers)
    return response


def left(results: Mapping[int, object], names: Mapping[int, str]) -> list[LeftAsItWas]:
    """Which of several changes were refused, by the names that the page has for them."""
    return [
        LeftAsItWas(names.get(key, "One that is not here any more"), result.words)
        for key, result in results.items()
        if isinstance(result, PeopleRefused)
    ]


def revision_in(form: Form) -> int:
    """The revision that a form was made of; -1, which nothing has, if somebody spoilt it."""
    text = form.hidden["revision"]
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1
