"""Searching by an imported file on either meter list: the file, its faults, and what was found (guide 3.1.2, 8.1.2)."""

from collections.abc import Sequence

from fastapi import Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from portal.accounts.sessions import Entered
from portal.companies.kinds import Kind
from portal.context import portal_of
from portal.entrance import EnteredHere
from portal.errors import NotFound
from portal.orders.kept_lists import KeptList, keep
from portal.orders.meter_list import BadList, By, read_file
from portal.pages import my_meters_routes
from portal.pages.desk_places import ACCOUNT_DESK, DeskPlace
from portal.pages.export_routes import DeskName, desk_here, kept_list
from portal.pages.forms import Choice, Field, FieldKind, Form
from portal.pages.navigation import Place
from portal.pages.refusals import BAD_FORM
from portal.pages.render import PAGES
from portal.parts import Part
from portal.reports.forms import MEDIA_TYPES, Format

router = Part(include_in_schema=False, default_response_class=Response)

MOST_FILE = 3_000_000
MISSING_SHOWN = 50
TITLE = "Search by Importing a File"
FORM = Form(
    action="",
    button="Import",
    fields=(
        Field(
            name="by",
            label="Search by",
            kind=FieldKind.RADIO,
            required=True,
            missing="Choose ESI ID or Meter Number",
            tip="All rows of the file are read as this kind of value; ESI IDs and meter numbers are not mixed.",
            choices=(Choice(By.ESI_ID, "ESI ID"), Choice(By.METER_NUMBER, "Meter Number")),
        ),
        Field(
            name="file",
            label="Import Meter(s) from a file",
            kind=FieldKind.FILE,
            required=True,
            missing="Choose a CSV file",
            hint="CSV: one meter a row, no header, no comma at the end of a row; the file's name ends in .csv",
            tip="In Excel, format the column as Text before you type or paste ESI IDs, and save as CSV.",
            accept=".csv,text/csv",
            most=MOST_FILE,
        ),
    ),
)


@router.get("/{desk}/meters/import")
async def import_form(request: Request, who: EnteredHere, desk: DeskName) -> Response:
    """The form; a customer, who imports meters to add them, is led to his own."""
    if _adds(who, desk):
        return await my_meters_routes.back_to_add(who)
    at = desk_here(who, desk)
    return _form_page(request, who, at, _form(at).filled({"by": By.ESI_ID}))


@router.post("/{desk}/meters/import")
async def import_list(request: Request, who: EnteredHere, desk: DeskName) -> Response:
    """Read the file and keep its list; a file with any fault is refused whole, and the choices stay."""
    if _adds(who, desk):
        return await my_meters_routes.add_file(request, who)
    at, portal = desk_here(who, desk), portal_of(request)
    form = await _form(at).read(request)
    if form.faults:
        return _form_page(request, who, at, form)
    sent, most = form.files["file"], portal.settings.orders.most_meters
    wanted = read_file(sent.name, sent.content, By(form["by"]), most)
    if isinstance(wanted, BadList):
        return _form_page(request, who, at, form.refused({"file": wanted.words}), wanted)

    async def job(connection: AsyncConnection) -> KeptList:
        return await keep(connection, who.viewer, wanted, sent.name, portal.dice, portal.clock.now())

    kept = await portal.database.write(job)
    return RedirectResponse(f"{at.href}/import/{kept.id}", status_code=303)


@router.get("/{desk}/meters/import/{list_id}")
async def result(request: Request, who: EnteredHere, desk: DeskName, list_id: str) -> Response:
    """What was found, as one row with its checkbox (IMP-06, IMP-11), and what was not."""
    at = desk_here(who, desk)
    kept = await _kept(request, who, list_id)
    return PAGES.page(
        request,
        "import_result.html",
        who,
        TITLE,
        place=at.href,
        beneath=(Place(TITLE, f"{at.href}/import"),),
        help_at="files",
        desk=at,
        kept=kept,
        shown=kept.missing[:MISSING_SHOWN],
        address=f"{at.href}/import/{kept.id}",
    )


@router.get("/{desk}/meters/import/{list_id}/missing")
async def missing(request: Request, who: EnteredHere, desk: DeskName, list_id: str) -> Response:
    """The values that were not found, as a file that can be imported again."""
    desk_here(who, desk)
    kept = await _kept(request, who, list_id)
    headers = {"Content-Disposition": 'attachment; filename="not-found.csv"'}
    return Response(_lines(kept.missing), media_type=MEDIA_TYPES[Format.CSV], headers=headers)


def _adds(who: Entered, desk: str) -> bool:
    """Whether an import is a customer's, of meters for his account (IMP-09)."""
    return desk == "account" and who.viewer.kind is Kind.CUSTOMER


async def _kept(request: Request, who: Entered, list_id: str) -> KeptList:
    """A kept list of the viewer. Raises NotFound."""
    kept = await kept_list(request, who, list_id)
    if kept is None:
        raise NotFound
    return kept


def _lines(values: Sequence[str]) -> str:
    return "".join(f"{value}\n" for value in values)


def _form(at: DeskPlace) -> Form:
    return Form(action=f"{at.href}/import", button=FORM.button, fields=FORM.fields)


def _form_page(request: Request, who: Entered, at: DeskPlace, form: Form, bad: BadList | None = None) -> Response:
    reports = "Premise and Meter Information" if at is ACCOUNT_DESK else "usage reports"
    return PAGES.page(
        request,
        "import.html",
        who,
        TITLE,
        place=at.href,
        beneath=(Place(TITLE, f"{at.href}/import"),),
        help_at="files",
        status=BAD_FORM if form.faults else 200,
        error=bool(form.faults),
        form=form,
        bad=bad,
        desk=at,
        reports=reports,
        most=portal_of(request).settings.orders.most_meters,
    )
