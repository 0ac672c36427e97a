"""The card of a meter's page with the agreements that a REP has with the customer about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.database import Database
from portal.agreements.shown import ask_agreements
from portal.pages.agreement_view import AgreementRow, agreement_row, kinds_for
from portal.pages.navigation import AGREEMENTS, has_agreements
from portal.viewer import Viewer
from portal.visibility import VisibleMeter

MOST_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementCard:
    """The newest agreements about a meter, and whether this viewer may ask for one."""

    rows: Sequence[AgreementRow]
    may_ask: bool


async def agreement_card(database: Database, viewer: Viewer, meter: VisibleMeter, at: datetime) -> AgreementCard | None:
    """The card, None for whoever has no agreements."""
    if not has_agreements(viewer):
        return None
    found = await ask_agreements(database, viewer, meter, MOST_SHOWN)
    rows = [agreement_row(each, viewer, AGREEMENTS.href, at) for each in found]
    return AgreementCard(rows=rows, may_ask=bool(kinds_for(viewer)))
