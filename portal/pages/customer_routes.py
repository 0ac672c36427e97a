"""The public entry for customers: registration, and finding the electricity company (guide 2, 10.2, B.1; CUS-06)."""

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from portal.api.answered import too_often
from portal.companies.kinds import Kind
from portal.context import portal_of
from portal.customers.pairs import COMPANIES
from portal.customers.registration import check_customer, register_guarded
from portal.entrance import entered, is_foreign, origin_of
from portal.errors import ForgedRequest, SignInRequired, problem_of_refusal
from portal.faults import PeopleRefused
from portal.locales.catalogues import N_
from portal.pages.customer_fields import FIND_COMPANY, REGISTER, REGISTRATION, customer_of
from portal.pages.forms import Form
from portal.pages.navigation import CUSTOMERS_IN
from portal.pages.render import PAGES
from portal.parts import Part
from portal.registration.search import find_companies

router = Part(include_in_schema=False, default_response_class=Response)

DONE = f"{REGISTER}/done"
TITLE, DONE_TITLE, FIND_TITLE = (
    N_("Register as a customer"),
    N_("Look into your mailbox"),
    N_("Find your electricity company"),
)
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


@router.get(REGISTER)
async def registration(request: Request) -> Response:
    """The form."""
    return _registration_page(request, REGISTRATION)


@router.post(REGISTER)
async def register(request: Request) -> Response:
    """Register, or back with everything that is wrong; then a page that says to look into the mailbox."""
    if is_foreign(request):
        raise ForgedRequest
    portal = portal_of(request)
    form = await REGISTRATION.read(request)
    customer = check_customer(customer_of(form))
    if isinstance(customer, PeopleRefused):
        return _registration_page(request, form.refused(customer.faults), status=422)
    if form.faults:
        return _registration_page(request, form, status=422)
    answer: object = too_often(request, portal.registrations)
    if answer is None:
        credential = await portal.credentials.make()
        address = origin_of(request).address
        answer = await register_guarded(portal.acting, portal.guesses, address, customer, credential)
    if isinstance(answer, PeopleRefused):
        problem = problem_of_refusal(answer, portal.clock)
        form = form.refused(answer.faults or {"user_id": answer.words})
        page = _registration_page(request, form, status=problem.status)
        page.headers.update(problem.headers)
        return page
    return RedirectResponse(DONE, status_code=303)


@router.get(DONE)
async def registered(request: Request) -> Response:
    """What comes next. It says the same whoever registered."""
    language = PAGES.language_of(request, None)
    title = PAGES.translate(request, None)(DONE_TITLE)
    return PAGES.page(request, "customer_registered.html", None, title, place=CUSTOMERS_IN.href, text_language=language)


@router.get(COMPANIES)
async def companies(request: Request, name: str | None = None, letter: str | None = None) -> Response:
    """Find an electricity company by either of its names, signed in or not."""
    try:
        who = await entered(request)
    except SignInRequired:
        who = None
    portal, found, fault, status = portal_of(request), None, "", 200
    if name is not None or letter is not None:
        answer: object = too_often(request, portal.searches)
        if answer is None:
            asked = {"letter": letter} if name is None else {"name": name}
            async with portal.database.reading() as connection:
                answer = found = await find_companies(connection, kind=Kind.REP, **asked)
        if isinstance(answer, PeopleRefused):
            found, status = None, problem_of_refusal(answer, portal.clock).status
            fault = next(iter(answer.faults.values()), answer.words)
    translate = PAGES.translate(request, who)
    form = Form(action=COMPANIES, button=N_("Search"), fields=(FIND_COMPANY,)).filled({"name": (name or "")[:120]})
    return PAGES.page(
        request,
        "find_company.html",
        who,
        translate(FIND_TITLE),
        place=CUSTOMERS_IN.href if who is None else "",
        status=status,
        error=bool(fault),
        text_language=PAGES.language_of(request, who),
        form=form.refused({"name": fault} if fault else {}).translated(translate),
        letters=LETTERS,
        letter=letter,
        found=found,
    )


def _registration_page(request: Request, form: Form, status: int = 200) -> Response:
    translate = PAGES.translate(request, None)
    return PAGES.page(
        request,
        "customer_register.html",
        None,
        translate(TITLE),
        place=CUSTOMERS_IN.href,
        status=status,
        error=bool(form.faults),
        text_language=PAGES.language_of(request, None),
        form=form.translated(translate),
    )
