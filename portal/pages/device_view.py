"""The door of the pages of in-home devices: a meter as its devices' manager sees it, or why somebody is none."""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import Request
from fastapi.responses import HTMLResponse

from portal.accounts.sessions import Entered
from portal.context import portal_of
from portal.errors import NotPermitted
from portal.han.ask import DeviceRefusal, DeviceRefused
from portal.han.who_may import MANAGERS, ManagedMeter, manage
from portal.pages.meter_view import address_of, visible_meter
from portal.pages.navigation import USAGE_METERS, Place
from portal.pages.render import PAGES
from portal.permissions import Action
from portal.visibility import VisibleMeter

TITLE = "In-Home Devices"


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """A managed meter with the addresses of its pages."""

    managed: ManagedMeter

    @property
    def meter(self) -> VisibleMeter:
        """The meter."""
        return self.managed.meter

    @property
    def devices(self) -> str:
        """Where its devices stand."""
        return devices_of_meter(self.meter)

    @property
    def commands(self) -> str:
        """Under which address its commands stand."""
        return f"{address_of(self.meter)}/commands"

    @property
    def notices(self) -> str:
        """Under which address notices are sent."""
        return f"{address_of(self.meter)}/notices"

    def crumbs(self, *beneath: Place) -> Sequence[Place]:
        """The way from the meter list to a page beneath the devices."""
        return (*crumbs_of(self.meter), *beneath)


def devices_of_meter(meter: VisibleMeter) -> str:
    """The address of the page of a meter's devices."""
    return f"{address_of(meter)}/devices"


def crumbs_of(meter: VisibleMeter) -> Sequence[Place]:
    """The way from the meter list to a meter's devices."""
    meter_place = Place(f"{meter.service_address}, {meter.city}", address_of(meter))
    return (meter_place, Place(TITLE, devices_of_meter(meter)))


async def home_here(request: Request, who: Entered, esi_id: str) -> Home | HTMLResponse:
    """The meter of an address, if its devices are this viewer's to manage, else the page that says what to do.

    Raises NotFound, and NotPermitted for those who never manage devices.
    """
    meter = await visible_meter(request, who, esi_id)
    portal = portal_of(request)
    async with portal.database.reading() as connection:
        found = await manage(connection, who.viewer, meter, portal.clock.now())
    if isinstance(found, ManagedMeter):
        return Home(managed=found)
    if who.viewer.kind not in MANAGERS:
        raise NotPermitted(found.words)
    return _barred(request, who, meter, found)


def _barred(request: Request, who: Entered, meter: VisibleMeter, refusal: DeviceRefused) -> HTMLResponse:
    """Why somebody does not manage this meter's devices, and what to do; a change is refused, a look is answered."""
    agreement = ""
    if refusal.reason is DeviceRefusal.NO_AGREEMENT and who.viewer.may(Action.MANAGE_DEVICE_AGREEMENTS):
        agreement = f"/account/agreements/new?esi_id={meter.esi_id}"
    return PAGES.page(
        request,
        "devices_barred.html",
        who,
        TITLE,
        place=USAGE_METERS.href,
        beneath=crumbs_of(meter),
        help_at="devices",
        status=200 if request.method == "GET" else 403,
        error=request.method != "GET",
        meter=meter,
        back=address_of(meter),
        words=refusal.words,
        agreement=agreement,
    )
