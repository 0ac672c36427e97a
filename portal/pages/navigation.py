"""Where a person is and can go: tabs on top, the left menu under each, and breadcrumbs (guide 1.1.1; pure)."""

from dataclasses import dataclass

from portal.api_keys.changing import company_of
from portal.approvals.company_queue import kinds_for
from portal.companies.kinds import Kind
from portal.companies.letters import ACCOUNT_QUEUE, COMPANY_QUEUE, DUNS_QUEUE
from portal.permissions import Action, Role
from portal.viewer import Viewer


@dataclass(frozen=True, slots=True)
class Place:
    """Somewhere to go: its words and its address."""

    words: str
    href: str


@dataclass(frozen=True, slots=True)
class Tab:
    """A tab with the left menu under it; the first place of the menu is where the tab leads."""

    words: str
    menu: tuple[Place, ...]

    @property
    def href(self) -> str:
        """Where a click on the tab leads."""
        return self.menu[0].href


ACCOUNT_METERS = Place("Customer Meters (ROR)", "/account/meters")
PENDING = Place("Pending Approval", ACCOUNT_QUEUE)
USERS = Place("Manage Users", "/account/users")
COMPANY = Place("Company Profile", "/account/company")
PROFILE = Place("My Profile", "/account/profile")
KEYS = Place("API Keys", "/account/keys")
AGREEMENTS = Place("Agreements", "/account/agreements")
WEBHOOKS = Place("Webhooks", "/account/webhooks")
USAGE_METERS = Place("Customer Meters (ROR)", "/usage/meters")
ORDERS = Place("Report Request Status", "/usage/orders")
MY_METERS = Place("My Meters", "/account/meters")
MY_USAGE = Place("Usage of My Meters", "/usage/meters")
RELEASE_REQUESTS = Place("Requests for Release", "/releases")
FLEET = Place("Gateways", "/fleet")
ALL_METERS = Place("Meters", "/usage/meters")
NOTICES = Place("Market Notices", "/fleet/notices")
COMPANIES = Place("Companies", "/market/companies")
COMPANY_REQUESTS = Place("Company Requests", COMPANY_QUEUE)
DUNS_REQUESTS = Place("DUNS Requests", DUNS_QUEUE)
MARKET_AUDIT = Place("Audit Log", "/market/audit")
FAQ = Place("Frequently Asked Questions", "/help")
HELP = Tab("Help", (FAQ,))


CUSTOMERS_IN = Place("Customers", "/")
MARKET_IN = Place("Market participants", "/private")
REGISTER_CUSTOMER = Place("Register as a customer", "/register")
REGISTER_COMPANY = Place("New User Register", "/private/register")
ENTRIES = (CUSTOMERS_IN, MARKET_IN)
"""The two ways in (ENT-02): whoever has an account may sign in at either, who registers for what differs (ENT-03)."""


_KNOWN: dict[Role, tuple[Tab, ...]] = {}
"""Tabs follow from the role alone, of which there are a few dozen: each is thought out once."""


def tabs(viewer: Viewer) -> tuple[Tab, ...]:
    """The tabs of a kind of viewer: a wires company sees its fleet where others see usage, the operating team neither.

    What somebody may do nothing with has no place in his menus (ADM-01, ADM-02).
    """
    role = viewer.role
    found = _KNOWN.get(role)
    if found is None:
        found = _KNOWN[role] = _tabs(viewer)
    return found


def _tabs(viewer: Viewer) -> tuple[Tab, ...]:
    account = Tab("My Account", _account_menu(viewer))
    market = _market_menu(viewer)
    if viewer.kind is Kind.OPERATOR:
        return account, Tab("Market", market), HELP
    if viewer.kind is Kind.TDSP:
        fleet = Tab("Fleet", (FLEET, ALL_METERS, ORDERS, NOTICES, *_releases(viewer)))
        return account, fleet, *((Tab("Market", market),) if market else ()), HELP
    meters = {Kind.REP: USAGE_METERS, Kind.CUSTOMER: MY_USAGE}.get(viewer.kind, ALL_METERS)
    return account, Tab("Usage", (meters, ORDERS)), HELP


def _account_menu(viewer: Viewer) -> tuple[Place, ...]:
    """The left menu under My Account, in the guide's order (NAV-02)."""
    places = (
        (ACCOUNT_METERS, viewer.kind is Kind.REP),
        (AGREEMENTS, has_agreements(viewer)),
        (MY_METERS, viewer.kind is Kind.CUSTOMER),
        (PENDING, viewer.may(Action.CHANGE_ACCOUNTS)),
        (USERS, viewer.may(Action.SEE_ACCOUNTS)),
        (COMPANY, viewer.may(Action.SEE_PROFILE)),
        (PROFILE, True),
        (KEYS, company_of(viewer) is not None),
        (WEBHOOKS, company_of(viewer) is not None),
    )
    return tuple(place for place, is_his in places if is_his)


def has_agreements(viewer: Viewer) -> bool:
    """Whether somebody's company can have agreements with customers: those of REPs do."""
    return viewer.kind is Kind.REP and viewer.may(Action.SEE_AGREEMENTS)


def _market_menu(viewer: Viewer) -> tuple[Place, ...]:
    """The left menu of those who look after other companies, empty for all others."""
    judges = bool(kinds_for(viewer, Action.SEE_REQUESTS))
    team = viewer.may(Action.SEE_COMPANIES)
    places = ((COMPANIES, team), (COMPANY_REQUESTS, judges), (DUNS_REQUESTS, judges), (MARKET_AUDIT, team))
    return tuple(place for place, is_his in places if is_his)


def _releases(viewer: Viewer) -> tuple[Place, ...]:
    """Where a TDSP's administrators answer requests for release."""
    return (RELEASE_REQUESTS,) if viewer.may(Action.DECIDE_RELEASES) else ()


def home(viewer: Viewer) -> str:
    """The page that a person lands on: the second tab's first."""
    return tabs(viewer)[1].href


def place_of(viewer: Viewer, href: str) -> tuple[Tab, Place] | None:
    """The tab and the place of its menu to which an address belongs, None if it belongs to none of this viewer's."""
    for tab in tabs(viewer):
        for place in tab.menu:
            if place.href == href:
                return tab, place
    return None
