"""A portal with its pages, on both databases; parametrise `site` indirectly with another preset than the guide's."""

import pytest

from gateway.database import Database
from gateway.dice import SeededDice
from portal.accounts.presets import Preset
from portal.app import build_app
from portal.context import Portal
from portal.pages.error_page import error_page
from portal.pages.routes import PARTS
from portal.settings import PortalSettings
from tests.clock import HandClock
from tests.portal.signing_in.site import HOST, Counting, Site
from tests.portal.wire import WireBus


@pytest.fixture
async def site(database: Database, clock: HandClock, request: pytest.FixtureRequest) -> Site:
    """The pages and the API over the small world."""
    preset = getattr(request, "param", Preset.SMT)
    work = Counting()
    settings = PortalSettings(preset=preset, address=HOST, help_desk="help@example.com")
    portal = Portal.over(database, WireBus(), clock, SeededDice(7), settings, passwords=work)
    return Site(app=build_app(portal, PARTS, error_page), portal=portal, clock=clock, work=work)
