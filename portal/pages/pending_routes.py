"""Pending Approval: who asks for access to one's own company, and what the administrators answer (guide 5.2)."""

from collections.abc import Sequence
from dataclasses import replace

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from portal.accounts.sessions import Entered
from portal.accounts.status import AccountStatus
from portal.acting import actor_of
from portal.administration.account_list import AccountSeen, see_account
from portal.api.approvals import MOST, Number
from portal.approvals.account_queue import (
    Answer,
    Approval,
    Decline,
    WaitingAccount,
    decide_account,
    decide_accounts,
    waiting_accounts,
)
from portal.context import portal_of
from portal.entrance import EnteredHere
from portal.faults import NOT_THERE, PeopleRefused
from portal.pages.account_fields import ACCESS, names_of, permissions_of, request_form
from portal.pages.choosing import (
    SELECT_ONE,
    TOO_MANY,
    Deed,
    choice_fault,
    chosen_in_address,
    chosen_in_form,
    comment_form,
    comment_page,
)
from portal.pages.done_words import and_done, done_words
from portal.pages.forms import Form
from portal.pages.navigation import PENDING, Place
from portal.pages.refusals import BAD_FORM, LeftAsItWas, left, marked, turn_away, with_refusal
from portal.pages.render import PAGES
from portal.parts import Part

router = Part(include_in_schema=False, default_response_class=Response)

DECLINE = Deed(
    action=f"{PENDING.href}/decline",
    title="Decline requests",
    button="Decline",
    lead="Their registrations are deleted. Each of them gets mail with your comments.",
    done="account-declined",
    what="Who is declined",
)
WHY = "Why they are declined: this is mailed to each of them."


@router.get(PENDING.href)
async def pending(request: Request, who: EnteredHere) -> Response:
    """Pending Approval: one queue for all administrators of a company."""
    return await _queue_page(request, who)


@router.get(f"{PENDING.href}/edit")
async def edit_permissions(request: Request, who: EnteredHere) -> Response:
    """Edit Permissions works on one request."""
    chosen = chosen_in_address(request)
    if len(chosen) != 1:
        return await _queue_page(request, who, fault=SELECT_ONE, chosen=chosen)
    return RedirectResponse(f"{PENDING.href}/{chosen[0]}", status_code=303)


@router.post(f"{PENDING.href}/approve")
async def approve(request: Request, who: EnteredHere) -> Response:
    """Approve: all of the company's numbers, no permission, no comments; for several at once."""
    chosen = await chosen_in_form(request)
    if fault := choice_fault(chosen):
        return await _queue_page(request, who, fault=fault)
    portal = portal_of(request)
    names = names_of(await _waiting(request, who))
    answers: dict[int, Answer] = {each: Approval(credential=await portal.credentials.make()) for each in chosen}
    return await _answered(request, who, answers, names, "account-approved")


@router.get(DECLINE.action)
async def decline_page(request: Request, who: EnteredHere) -> Response:
    """Decline asks for comments first."""
    chosen = chosen_in_address(request)
    names = names_of(await _waiting(request, who))
    if fault := choice_fault(chosen, names):
        return await _queue_page(request, who, fault=fault)
    return comment_page(request, who, PENDING, DECLINE, comment_form(DECLINE, names, chosen, WHY))


@router.post(DECLINE.action)
async def decline(request: Request, who: EnteredHere) -> Response:
    """Decline those that are still ticked."""
    names = names_of(await _waiting(request, who))
    chosen = await chosen_in_form(request)
    if len(chosen) > MOST:
        return await _queue_page(request, who, fault=TOO_MANY)
    form = await comment_form(DECLINE, names, chosen, WHY).read(request)
    if form.faults and set(chosen) & set(names):
        return comment_page(request, who, PENDING, DECLINE, form)
    answers: dict[int, Answer] = {each: Decline(comment=form["comment"]) for each in chosen}
    return await _answered(request, who, answers, names, DECLINE.done)


@router.get(f"{PENDING.href}/{{account_id}}")
async def one_request(request: Request, who: EnteredHere, account_id: Number) -> Response:
    """One request with what its account is to have."""
    account = await _account(request, who, account_id)
    if account is None:
        return RedirectResponse(and_done(PENDING.href, "answered-already"), status_code=303)
    return _request_page(request, who, account, request_form(account))


@router.post(f"{PENDING.href}/{{account_id}}")
async def save_request(request: Request, who: EnteredHere, account_id: Number) -> Response:
    """Save Account: approve with these permissions, or decline with comments."""
    account = await _account(request, who, account_id)
    if account is None:
        return RedirectResponse(and_done(PENDING.href, "answered-already"), status_code=303)
    form = await request_form(account).read(request)
    if form[ACCESS] == "decline":
        # Whoever is declined needs no number.
        form = replace(form, faults={name: words for name, words in form.faults.items() if name != "duns"})
    if ACCESS in form.faults or "comment" in form.faults:
        return _request_page(request, who, account, form)
    portal = portal_of(request)
    comment = form["comment"] or None
    answer: Answer = Decline(comment=comment)
    if form[ACCESS] == "approve":
        credential = await portal.credentials.make()
        answer = Approval(credential=credential, permissions=permissions_of(form, account), comment=comment)
    outcome = await portal.acting.run(
        actor_of(who.viewer), lambda act: decide_account(act, who.viewer, account_id, answer)
    )
    if isinstance(outcome, PeopleRefused):
        if outcome is NOT_THERE:
            return RedirectResponse(and_done(PENDING.href, "answered-already"), status_code=303)
        turn_away(outcome)
        page = _request_page(request, who, account, with_refusal(form, outcome, ACCESS))
        return marked(request, page, outcome)
    done = "account-declined" if outcome is None else "account-approved"
    return RedirectResponse(and_done(PENDING.href, done), status_code=303)


async def _account(request: Request, who: Entered, account_id: int) -> AccountSeen | None:
    """A request that waits for this administrator; None if it was answered or never was."""
    waiting = {each.id for each in await _waiting(request, who)}
    if account_id not in waiting:
        return None
    async with portal_of(request).database.reading() as connection:
        found = await see_account(connection, who.viewer, account_id)
    still = isinstance(found, AccountSeen) and found.status is AccountStatus.PENDING
    return found if isinstance(found, AccountSeen) and still else None


async def _waiting(request: Request, who: Entered) -> list[WaitingAccount]:
    portal = portal_of(request)
    async with portal.database.reading() as connection:
        found = await waiting_accounts(connection, who.viewer, portal.clock.now())
    if isinstance(found, PeopleRefused):
        turn_away(found)
        return []
    return found


async def _answered(
    request: Request, who: Entered, answers: dict[int, Answer], names: dict[int, str], done: str
) -> Response:
    """Answer several, each by itself; the queue tells which were refused."""
    results = await portal_of(request).acting.run(
        actor_of(who.viewer), lambda act: decide_accounts(act, who.viewer, answers)
    )
    refused = left(results, names)
    if refused:
        return await _queue_page(request, who, refused=refused)
    return RedirectResponse(and_done(PENDING.href, done), status_code=303)


async def _queue_page(
    request: Request,
    who: Entered,
    *,
    fault: str = "",
    chosen: Sequence[int] = (),
    refused: Sequence[LeftAsItWas] = (),
) -> Response:
    waiting = await _waiting(request, who)
    return PAGES.page(
        request,
        "pending.html",
        who,
        PENDING.words,
        place=PENDING.href,
        help_at="people",
        status=BAD_FORM if fault else 409 if refused else 200,
        error=bool(fault or refused),
        waiting=waiting,
        names=names_of(waiting),
        chosen=chosen,
        fault=fault,
        refused=refused,
        done=done_words(request.query_params),
    )


def _request_page(request: Request, who: Entered, account: AccountSeen, form: Form) -> Response:
    name = f"{account.first_name} {account.last_name}"
    return PAGES.page(
        request,
        "account.html",
        who,
        name,
        place=PENDING.href,
        beneath=[Place(name, f"{PENDING.href}/{account.id}")],
        help_at="people",
        status=BAD_FORM if form.faults else 200,
        error=bool(form.faults),
        account=account,
        form=form,
        meanwhile=False,
        asks=True,
        back=PENDING.href,
    )
