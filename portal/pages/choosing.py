"""Doing something to several of a list: which were chosen, and the page that asks for comments first.

A list is one form that is sent by GET: its buttons lead to the page of what they say, and what needs no comments is a
button with its own method, address and token. So the list works without JavaScript, and no token stands in an address.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass

from fastapi import Request
from fastapi.responses import Response

from portal.accounts.sessions import Entered
from portal.api.approvals import MOST
from portal.pages.forms import Choice, Field, FieldKind, Form
from portal.pages.navigation import Place
from portal.pages.refusals import BAD_FORM
from portal.pages.render import PAGES
from portal.registration.fields import MOST_COMMENT

LARGEST_ID = 2**31 - 1
CHOSEN = "chosen"
"""The name under which the chosen ids travel."""
SELECT = "Select at least one"
TOO_MANY = f"Select at most {MOST} at once"
SELECT_ONE = "Select one: this is done for one at a time"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """Something that takes comments: its address, its words, and whether it cannot be undone."""

    action: str
    title: str
    button: str
    lead: str
    done: str
    what: str
    danger: bool = True


def ids_of(values: Iterable[object]) -> list[int]:
    """The ids among what was sent, each once, one more than may be chosen at most; anything else is left out (pure)."""
    texts = [value for value in values if isinstance(value, str)]
    found = [int(text) for text in texts if text.isascii() and text.isdigit() and len(text) <= 10]
    return [each for each in dict.fromkeys(found) if 0 < each <= LARGEST_ID][: MOST + 1]


def choice_fault(chosen: Sequence[int], there: Container[int] | None = None) -> str:
    """What is wrong with a choice, empty if nothing is: none of it is there, or it is too much for once (pure)."""
    if len(chosen) > MOST:
        return TOO_MANY
    return "" if any(there is None or each in there for each in chosen) else SELECT


def chosen_in_address(request: Request) -> list[int]:
    """The ids that a list's button brought along."""
    return ids_of(request.query_params.getlist(CHOSEN))


async def chosen_in_form(request: Request) -> list[int]:
    """The ids that a list's button sent."""
    sent = await request.form()
    return ids_of(sent.getlist(CHOSEN))


def comment_form(deed: Deed, names: Mapping[int, str], chosen: Sequence[int], hint: str, back: str = "") -> Form:
    """The form that names what was chosen, and asks why. names are all that may be chosen, by their ids."""
    there = [key for key in chosen if key in names]
    form = Form(
        action=deed.action,
        button=deed.button,
        danger=deed.danger,
        hidden={"back": back},
        fields=(
            Field(
                name=CHOSEN,
                label=deed.what,
                kind=FieldKind.CHECKBOXES,
                required=True,
                missing=SELECT,
                choices=tuple(Choice(str(key), names[key]) for key in there),
            ),
            Field(
                name="comment",
                label="Comments",
                kind=FieldKind.TEXTAREA,
                required=True,
                hint=hint,
                most=MOST_COMMENT,
            ),
        ),
    )
    return form.filled({}, {CHOSEN: [str(key) for key in there]})


def comment_page(request: Request, who: Entered, place: Place, deed: Deed, form: Form) -> Response:
    """The page that asks for the comments."""
    return PAGES.page(
        request,
        "comment.html",
        who,
        deed.title,
        place=place.href,
        help_at="people",
        status=BAD_FORM if form.faults else 200,
        error=bool(form.faults),
        form=form,
        deed=deed,
        back=form.hidden["back"] or place.href,
    )


def way_back(text: str, home: str) -> str:
    """An address of the list that somebody came from, or the list's own: never anywhere else (pure)."""
    return text if text == home or (text.startswith(f"{home}?") and text.isprintable()) else home
