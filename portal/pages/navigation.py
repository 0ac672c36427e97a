"""Where a person is and can go: tabs on top, the left menu under each, and breadcrumbs (guide 1.1.1; pure)."""

from dataclasses import dataclass

from portal.companies.kinds import Kind
from portal.permissions import Action
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
PROFILE = Place("My Profile", "/account/profile")
USAGE_METERS = Place("Customer Meters (ROR)", "/usage/meters")
MY_METERS = Place("My Meters", "/account/meters")
MY_USAGE = Place("Usage of My Meters", "/usage/meters")
RELEASE_REQUESTS = Place("Requests for Release", "/releases")
FLEET = Place("Gateways", "/fleet")
ALL_METERS = Place("Meters", "/usage/meters")
FAQ = Place("Frequently Asked Questions", "/help")
HELP = Tab("Help", (FAQ,))


CUSTOMERS_IN = Place("Customers", "/")
MARKET_IN = Place("Market participants", "/private")
REGISTER_CUSTOMER = Place("Register as a customer", "/register")
REGISTER_COMPANY = Place("New User Register", "/private/register")
ENTRIES = (CUSTOMERS_IN, MARKET_IN)
"""The two ways in (ENT-02): whoever has an account may sign in at either, who registers for what differs (ENT-03)."""


def tabs(viewer: Viewer) -> tuple[Tab, ...]:
    """The tabs of a kind of viewer: a wires company sees its fleet where others see usage."""
    if viewer.kind is Kind.TDSP:
        return Tab("My Account", (PROFILE,)), Tab("Fleet", (FLEET, ALL_METERS, *_releases(viewer))), HELP
    if viewer.kind is Kind.REP:
        return Tab("My Account", (ACCOUNT_METERS, PROFILE)), Tab("Usage", (USAGE_METERS,)), HELP
    if viewer.kind is Kind.CUSTOMER:
        return Tab("My Account", (MY_METERS, PROFILE)), Tab("Usage", (MY_USAGE,)), HELP
    return Tab("My Account", (PROFILE,)), Tab("Usage", (ALL_METERS,)), HELP


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
