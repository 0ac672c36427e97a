"""What stands around every request of the services, and the refusals that answer a wrong one (pure).

The original's complete table of errors is not public; codes other than 1 and 2076 are ours.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from gateway.errors import BadIdentifier, BadInput
from gateway.identifiers import EsiId
from portal.companies.kinds import Kind
from portal.smt.bodies import day, text
from portal.viewer import Viewer

NO_DATA_CODE, NO_DATA = "1", "No data received from the respective TDSP"
INTEGRATION = "2076"
TERMS, REQUESTER, AUTHENTICATION, DATES, METERS, CHOICE, NUMBER = "2001", "2002", "2003", "2004", "2005", "2006", "2007"
REFUSED = "2008"
REQUESTERS = {
    Kind.CUSTOMER: ("RES", "BUSINESS"),
    Kind.REP: ("REP",),
    Kind.TDSP: ("TDSP",),
    Kind.THIRD_PARTY: ("CSP",),
}
"""What each kind of viewer may call itself."""
LONGEST_ID = 64
MOST_METERS = 500


class ServiceRefused(BadInput):
    """A request that is not served, with its code; answered as {"errorCode", "errorMessage"} and more by name."""

    def __init__(self, code: str, words: str, status: int = 400, **more: Any) -> None:
        super().__init__(words)
        self.code = code
        self.status = status
        self.more = more


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a request for usage asks for: one or more meters, Chicago days both included, versions and channels."""

    esi_ids: Sequence[EsiId]
    first: date
    last: date
    every_version: bool
    channels: str
    form: str
    delivery: str


def trans_id(body: Mapping[str, Any]) -> str:
    """The caller's own number of its request, which every answer carries back."""
    return text(body, "trans_id")[:LONGEST_ID]


def check(body: Mapping[str, Any], viewer: Viewer) -> None:
    """Who asks is who signed in, and agrees to the terms. Raises ServiceRefused."""
    if text(body, "SMTTermsandConditions").upper() != "Y":
        raise ServiceRefused(TERMS, "SMTTermsandConditions must be Y")
    kinds = REQUESTERS.get(viewer.kind, ())
    if text(body, "requesterType").upper() not in kinds:
        allowed = " or ".join(kinds) or "nothing: this account has no access to the services"
        raise ServiceRefused(REQUESTER, f"requesterType must be {allowed}")
    if viewer.kind is not Kind.CUSTOMER and text(body, "requesterAuthenticationID").strip() not in viewer.duns:
        raise ServiceRefused(AUTHENTICATION, "requesterAuthenticationID must be a DUNS number that this account holds")


def esi_ids(body: Mapping[str, Any]) -> list[EsiId]:
    """The meters that a request names, each once: `esiid` as text or list, or an ESIIDMeterList. Raises ServiceRefused.

    A request of the meters may be wrapped in a MeterSearchRequest.
    """
    named = _named(field(body, "MeterSearchRequest") or body)
    if not named:
        raise ServiceRefused(METERS, "esiid must name one ESI ID at least")
    if len(named) > MOST_METERS:
        raise ServiceRefused(METERS, f"esiid may name {MOST_METERS} ESI IDs at most")
    found: list[EsiId] = []
    for place, each in enumerate(named, 1):
        try:
            found.append(EsiId(each.strip().removeprefix("'") if isinstance(each, str) else ""))
        except BadIdentifier:
            raise ServiceRefused(METERS, f"ESI ID {place} of the request does not have 17 or 22 digits") from None
    return list(dict.fromkeys(found))


def _named(body: Any) -> list[Any]:
    if not isinstance(body, Mapping):
        return []
    listed = field(body, "ESIIDMeterList")
    if isinstance(listed, list):
        return [field(each, "esiid") if isinstance(each, Mapping) else each for each in listed]
    found = field(body, "esiid")
    return found if isinstance(found, list) else [] if found in (None, "") else [found]


def field(body: Mapping[str, Any], name: str) -> Any:
    """A field by its name in any case, None if it is absent."""
    return next((value for key, value in body.items() if key.lower() == name.lower()), None)


def usage(body: Mapping[str, Any]) -> Usage:
    """What a request for usage asks for. Raises ServiceRefused."""
    first, last = day(body, "startDate"), day(body, "endDate")
    if first is None or last is None:
        wrong = "startDate" if first is None else "endDate"
        raise ServiceRefused(DATES, f"Invalid Date. Expected format of: {wrong} is MM/dd/yyyy")
    return Usage(
        esi_ids=esi_ids(body),
        first=first,
        last=last,
        every_version=choice(body, "version", "LA", "L") == "A",
        channels=choice(body, "readingType", "CGA", "A"),
        form=word(body, "reportFormat", ("JSON", "CSV", "XML", "LSE"), "JSON"),
        delivery=word(body, "deliveryMode", ("API", "FTP", "EML"), "API"),
    )


def choice(body: Mapping[str, Any], name: str, letters: str, otherwise: str) -> str:
    """One of some letters, in any case. Raises ServiceRefused."""
    return word(body, name, tuple(letters), otherwise)


def word(body: Mapping[str, Any], name: str, words: Sequence[str], otherwise: str) -> str:
    """One of some words, in any case; otherwise stands for an absent one. Raises ServiceRefused."""
    found = text(body, name).strip().upper() or otherwise
    if found not in words:
        raise ServiceRefused(CHOICE, f"{name} must be one of {', '.join(words)}")
    return found
