"""The audit log as a page: the newest first, 100 lines at a time, with a link to what came before."""

from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import Response

from portal.accounts.sessions import Entered
from portal.audit.reading import AuditPage, read_audit
from portal.context import portal_of
from portal.faults import PeopleRefused
from portal.pages.navigation import Place
from portal.pages.refusals import turn_away
from portal.pages.render import PAGES

ACTIONS = {
    "account.register": "asked for access",
    "account.approve": "approved",
    "account.decline": "declined",
    "account.expire": "deleted, nobody acted in time",
    "account.first_sign_in": "signed in for the first time",
    "account.lock": "locked",
    "account.new_credential": "given a new way to sign in",
    "account.suspend": "suspended",
    "account.reinstate": "reinstated",
    "account.revoke": "revoked",
    "account.edit": "permissions saved",
    "account.profile": "profile saved",
    "account.password": "password set",
    "account.forgot_password": "asked for a new way to sign in",
    "account.question": "security question set",
    "account.second_factor": "second factor changed",
    "company.register": "registered",
    "company.approve": "approved",
    "company.decline": "declined",
    "company.expire": "deleted, nobody acted in time",
    "company.first_sign_in": "active from its first sign-in",
    "company.suspend": "suspended",
    "company.reinstate": "reinstated",
    "company.revoke": "revoked",
    "company.edit": "profile saved",
    "duns.add": "added",
    "duns.approve": "approved",
    "duns.decline": "declined",
    "duns.expire": "deleted, nobody acted in time",
    "duns.suspend": "suspended",
    "duns.reinstate": "reinstated",
    "duns.revoke": "revoked",
    "duns.remove": "removed",
    "market.tell": "told a market notice",
    "agreement.ask": "asked a customer for an agreement",
    "agreement.resend": "sent the letter again",
    "agreement.accept": "agreed",
    "agreement.decline": "did not agree",
    "agreement.expire": "expired, nobody answered",
    "agreement.complete": "completed, its time has passed",
    "agreement.terminate": "ended",
}
"""What was done, for people; an action that is not here is shown as the log has it."""


async def audit_page(
    request: Request, who: Entered, place: Place, title: Place, *, company_id: int | None = None, name: str = ""
) -> Response:
    """The log of a company, or of all; title is the page's own place, name the company's if it is another."""
    before = request.query_params.get("before", "")
    number = int(before) if before.isascii() and before.isdigit() and len(before) < 19 and int(before) > 0 else None
    async with portal_of(request).database.reading() as connection:
        found = await read_audit(connection, who.viewer, before=number, company_id=company_id)
    if isinstance(found, PeopleRefused):
        turn_away(found)
    assert isinstance(found, AuditPage)
    kept = [(key, value) for key, value in request.query_params.multi_items() if key == "company"]
    older = found.next_before and f"{title.href}?{urlencode([*kept, ('before', str(found.next_before))])}"
    return PAGES.page(
        request,
        "audit.html",
        who,
        title.words,
        place=place.href,
        help_at="people",
        lines=found.lines,
        actions=ACTIONS,
        older=older,
        newest=f"{title.href}?{urlencode(kept)}" if kept else title.href,
        continued=number is not None,
        name=name or (who.viewer.company if company_id is not None else "All companies"),
    )
