"""The card of a meter's page that tells a REP of record who holds the meter, with the request for its release."""

from dataclasses import dataclass, replace
from datetime import datetime

from gateway.database import Database
from portal.customers.holders import Holder, ask_holder
from portal.customers.pairs import meter_page
from portal.customers.releases import ReleaseRequest, latest_request
from portal.pages.forms import Field, FieldKind, Form
from portal.permissions import Action
from portal.registration.fields import MOST_COMMENT
from portal.viewer import Viewer
from portal.visibility import VisibleMeter

ASK_FORM = Form(
    action="",
    button="Ask the TDSP to release this meter",
    fields=(
        Field(
            name="comment",
            label="Why should the meter be released?",
            kind=FieldKind.TEXTAREA,
            required=True,
            missing="Write why the meter should be released",
            hint="Shown and mailed to the TDSP",
            most=MOST_COMMENT,
            rows=3,
        ),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HolderCard:
    """Who holds a meter, what was asked about it, and the form that asks."""

    holder: Holder | None
    request: ReleaseRequest | None
    form: Form


async def holder_card(
    database: Database, viewer: Viewer, meter: VisibleMeter, at: datetime, form: Form = ASK_FORM
) -> HolderCard | None:
    """The card, None for whoever may not ask for releases. A request is about a holder: without one there is none."""
    if not viewer.may(Action.ASK_RELEASES):
        return None
    asked, holder = None, await ask_holder(database, viewer, meter)
    if holder is not None:
        async with database.reading() as connection:
            asked = await latest_request(connection, viewer, meter.esi_id, at)
    return HolderCard(holder=holder, request=asked, form=replace(form, action=f"{meter_page(meter.esi_id)}/release"))
