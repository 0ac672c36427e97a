"""What the two meter lists offer: My Account the information of premises and meters, Usage reports (guide 3.1, 8.1)."""

from collections.abc import Mapping
from dataclasses import dataclass

from portal.companies.kinds import Kind
from portal.pages.navigation import ACCOUNT_METERS, USAGE_METERS, Place
from portal.viewer import Viewer

_SENTENCE = "The information in your import file was used to search your Meter List. Select this Checkbox and Click on "


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskPlace:
    """A meter list: views are its buttons for one meter, by what they are called in the address.

    sentence is the guide's beside the checkbox of an import's result (IMP-11).
    """

    place: Place
    views: Mapping[str, str]
    export: str
    sentence: str

    @property
    def href(self) -> str:
        """The address of the list."""
        return self.place.href


ACCOUNT_DESK = DeskPlace(
    place=ACCOUNT_METERS,
    views={"premise": "View Premise Information", "meter": "View Meter Information"},
    export="Export Information",
    sentence=f"{_SENTENCE}Export Information to use the search results to request Meter and/or Premise Information "
    "Reports.",
)
USAGE_DESK = DeskPlace(
    place=USAGE_METERS,
    views={"report": "View Report"},
    export="Export Report(s)",
    sentence=f"{_SENTENCE}Export Report(s) to use the search results to request Usage Reports.",
)
DESKS = {"account": ACCOUNT_DESK, "usage": USAGE_DESK}
"""By the first word of their addresses."""


def has_desk(viewer: Viewer, desk: DeskPlace) -> bool:
    """Whether a list is somebody's: My Account's is a REP's; the operating team has none."""
    return viewer.kind is Kind.REP if desk is ACCOUNT_DESK else viewer.kind is not Kind.OPERATOR
