"""An ESI ID and a meter number as a customer enters them, and where the pages about them are (pure; CUS-01)."""

from dataclasses import dataclass

from gateway.errors import BadIdentifier
from gateway.identifiers import EsiId, MeterNumber
from portal.locales.catalogues import N_

COMPANIES, RELEASES = "/companies", "/releases"
"""The pages on which a customer finds his REP, and a TDSP the requests for release."""
NO_ESI_ID = N_("Enter the ESI ID of your electric bill: 17 or 22 digits.")
NO_NUMBER = N_("Enter the meter number of your electric bill: up to 20 letters, digits or hyphens.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """What stands on a bill, and must belong together."""

    esi_id: EsiId
    number: MeterNumber


def read_pair(esi_id: str, number: str) -> Pair | dict[str, str]:
    """The pair, or what is wrong with its fields by themselves."""
    faults = {}
    for field, kind, text, words in (
        ("esi_id", EsiId, esi_id, NO_ESI_ID),
        ("meter_number", MeterNumber, number, NO_NUMBER),
    ):
        try:
            kind(text)
        except BadIdentifier:
            faults[field] = words
    return faults or Pair(esi_id=EsiId(esi_id), number=MeterNumber(number))


def meter_page(esi_id: EsiId) -> str:
    """The address of a meter's page."""
    return f"/usage/meters/{esi_id}"
