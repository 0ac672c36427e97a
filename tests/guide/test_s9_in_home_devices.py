"""Guide 9, Managing In-Home Devices: which kinds there are, what the REP may do with them, and who may."""

from functools import partial
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select, update

from gateway.han.notices import Criticality, DeviceClass, LoadControl, Notice, Text
from gateway.keys import InstallCode
from portal.accounts.tables import accounts
from portal.agreements.machine import AgreementAction
from portal.han.ask import Given
from portal.han.history import find_command
from portal.han.shown import GatewayCommand
from portal.han.status import is_open
from portal.han.tables import han_commands
from tests.portal.agreements.asking import agreed, answer, ask
from tests.portal.pages.house import Browser, House
from tests.portal.pages.living_home import LIMIT_S, LivingHome, living_home
from tests.portal.people.stand import Office
from tests.portal.test_device_api import LABEL, MAC
from tests.portal.test_device_listener import born
from tests.portal.world import esi, viewer, visible

METER = f"/usage/meters/{esi(1)}"
HERE = f"{METER}/devices"
JOIN = {"device": MAC, "install_code": LABEL, "window": "180"}
KINDS = {
    "display": "In-home display",
    "thermostat": "Programmable control thermostat",
    "appliance": "Smart appliance",
}


async def browser_of(house: House, user_id: str) -> Browser:
    """Somebody's browser, past the sign-in."""
    browser = house.client()
    await browser.sign_in(user_id)
    return browser


async def join(browser: Browser, label: dict[str, str] = JOIN) -> httpx.Response:
    """What follows when somebody adds a device on the meter's page."""
    return await browser.send(await browser.get(HERE), HERE, label)


async def given(house: House) -> list[str]:
    """What gateways were asked to do."""
    async with house.database.reading() as connection:
        return [str(kind) for kind in await connection.scalars(select(han_commands.c.kind))]


async def ended(home: LivingHome, answer: object) -> GatewayCommand:
    """A command of the retailer's once it is over."""
    assert isinstance(answer, Given), answer
    who = await viewer(home.house.database, "rep.admin")

    async def look() -> GatewayCommand:
        async with home.house.database.reading() as connection:
            found = await find_command(connection, who, answer.id, home.clock.now())
        assert found is not None
        return found

    return await home.portal.devices.wait(answer.id, look, lambda found: not is_open(found.status), LIMIT_S)


def notice_for(kind: str, event: int) -> Notice:
    """An informational message for a display, a command for what consumes."""
    if kind == "display":
        return Text(event=event, text="Storm tonight")
    which = DeviceClass.HVAC if kind == "thermostat" else DeviceClass.SMART_APPLIANCE
    return LoadControl(event=event, classes=(which,), duration_min=30, criticality=Criticality.LEVEL_1)


async def test_han_01_displays_thermostats_and_appliances_join_and_take_the_reps_messages_and_commands(
    tmp_path: Path,
) -> None:
    """HAN-01: "An In-Home Device, also known as Home Area Network (HAN) Device, is a piece of equipment with the
    capability to display usage information and/or receive informational messages and commands from the Retail
    Electric Provider"; "Examples of In-Home Devices include in-home display, programmable control thermostats, and
    smart appliances." """
    async with living_home(tmp_path) as home:
        await agreed(home.office)
        browser = await browser_of(home.house, "rep.admin")
        who = await viewer(home.house.database, "rep.admin")
        meter = await visible(home.house.database, who, 1, home.clock.now())
        devices = home.portal.devices
        for kind, words in KINDS.items():
            home.switch_on(kind)
            label = home.label(kind)
            code = InstallCode.typed(label.label)
            joined = await ended(home, await devices.join(meter, who, label.eui64, code, 60))
            assert joined.status == "done", joined
            told = await devices.notify(meter, who, label.eui64, partial(notice_for, kind))
            assert (await ended(home, told)).status == "done"
            page = (await browser.get(f"{HERE}/{label.eui64}")).text
            assert words in page
            assert f"{words}</td>" in (await browser.get(HERE)).text


async def test_han_02_a_device_is_added_only_under_an_active_agreement(town: House, clerk: Office) -> None:
    """HAN-02: "An active In-Home Device Agreement is required in order to add or remove an In-Home Device to your
    Customer's Smart Meter." """
    await born(town)
    browser = await browser_of(town, "rep.admin")
    page = await browser.get(HERE)
    assert "active In-Home Device agreement" in page.text
    assert 'name="install_code"' not in page.text
    await ask(clerk, secret="asked")
    assert 'name="install_code"' not in (await browser.get(HERE)).text, "an agreement that waits is not active"
    await answer(clerk, "asked")
    assert (await join(browser)).url.path.startswith(f"{METER}/commands/")
    assert await given(town) == ["join"]


async def test_han_02_a_device_is_removed_only_under_an_active_agreement(town: House, clerk: Office) -> None:
    """HAN-02: "An active In-Home Device Agreement is required in order to add or remove an In-Home Device to your
    Customer's Smart Meter." """
    await born(town)
    await agreed(clerk)
    browser = await browser_of(town, "rep.admin")
    page = await join(browser)
    await answer(clerk, "the link", AgreementAction.TERMINATE)
    refused = await browser.send(page, f"{page.url.path}/cancel", {})
    assert refused.status_code == 403
    assert "no active In-Home Device agreement" in refused.text
    assert await given(town) == ["join"]


@pytest.mark.parametrize(("user_id", "may"), [("rep.admin", True), ("rep.user", False)])
async def test_han_03_administrators_and_authorized_users_have_access(
    town: House, clerk: Office, user_id: str, may: bool
) -> None:
    """HAN-03: "Administrators of your Company or authorized users are allowed to access In-Home Device Services
    functions." """
    await born(town)
    await agreed(clerk)
    browser = await browser_of(town, user_id)
    assert ('name="install_code"' in (await browser.get(HERE)).text) is may
    granted = update(accounts).where(accounts.c.user_key == user_id).values(home_devices=True)
    await town.database.write(lambda connection: connection.execute(granted))
    assert (await join(browser)).url.path.startswith(f"{METER}/commands/")


async def test_han_03_who_has_no_permission_is_told_to_ask_the_administrator(town: House, clerk: Office) -> None:
    """HAN-03: "Contact your Company's Administrator to request the In-Home Device Services permission." """
    await agreed(clerk)
    page = await (await browser_of(town, "rep.user")).get(HERE)
    assert "In-Home Device Services permission. Ask your company&#39;s administrator for it." in page.text
