"""Who manages a meter's home area devices, over the API: its TDSP, and its REP of record under an active agreement."""

import asyncio
from datetime import datetime
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from gateway.dice import SeededDice
from gateway.han.notices import Text
from gateway.han.words import Stage
from gateway.market_notices import RepChange
from portal.accounts.tables import accounts
from portal.agreements.machine import AgreementAction
from portal.context import Portal
from portal.han.ask import DeviceRefusal, DeviceRefused, Given
from portal.market.desk import MarketDesk
from tests.clock import HandClock, turns
from tests.portal.agreements.asking import DEVICE, ENERGY, SERVICES, agreed, answer, ask, end
from tests.portal.conftest import SignIn
from tests.portal.market.words import rep, tell
from tests.portal.people.stand import Office
from tests.portal.test_device_api import CALLS, LABEL, MAC, accepted
from tests.portal.test_device_listener import Voice, born
from tests.portal.world import BLUEBONNET, LONE_STAR, esi, viewer, visible

HERE = f"/meters/{esi(1)}"
OF_DEVICES = [each for each in CALLS if "assignment" not in each[1]]


@pytest.fixture
async def office(portal: Portal, clock: HandClock) -> Office:
    """Asks for agreements and answers them; the meter's gateway has told its key."""
    await born(portal)
    return Office.over(portal.database, clock)


async def refusals(client: httpx.AsyncClient, place: str = HERE) -> set[str]:
    """The types of what a client is answered that tries everything."""
    answers = [await client.request(method, place + path, json=body) for method, path, body in OF_DEVICES]
    assert {each.status_code for each in answers} <= {403, 404}
    return {each.json()["type"].rpartition(":")[2] for each in answers}


async def join(client: httpx.AsyncClient, place: str = HERE) -> httpx.Response:
    """What becomes of a join."""
    return await client.post(f"{place}/joins", json={"device": MAC, "install_code": LABEL})


async def test_a_rep_without_an_agreement_is_told_to_ask_the_customer_for_one(
    office: Office, signed_in: SignIn
) -> None:
    client = await signed_in("rep.admin")
    assert await refusals(client) == {"no-agreement"}
    assert "Ask the customer for one" in (await join(client)).json()["detail"]
    await ask(office, "rep.admin", secret="pending")
    assert await refusals(client) == {"no-agreement"}
    await agreed(office, kind=ENERGY)
    assert await refusals(client) == {"no-agreement"}, "energy data is another agreement"
    await answer(office, "pending")
    await accepted(await join(client))


@pytest.mark.parametrize("kind", [DEVICE, SERVICES])
async def test_a_rep_with_an_agreement_joins_sees_tells_and_removes(
    office: Office, signed_in: SignIn, portal: Portal, clock: HandClock, kind: Any
) -> None:
    await agreed(office, kind=kind)
    client, voice = await signed_in("rep.admin"), Voice(clock)
    place = await accepted(await join(client))
    await portal.desk.handle([voice.changed(Stage.REQUESTED), voice.changed(Stage.ACTIVE)])
    assert (await client.get(place)).json()["kind"] == "join"
    assert [each["device"] for each in (await client.get(f"{HERE}/devices")).json()] == [MAC]
    for path, body in ((f"devices/{MAC}/ping", None), ("texts", {"text": "Hi"}), (f"devices/{MAC}/remove", None)):
        await accepted(await client.post(f"{HERE}/{path}", json=body))
    assert len((await client.get(f"{HERE}/commands")).json()) == 4
    assert (await client.delete(f"{HERE}/assignment")).status_code == 403, "which gateway serves it is the TDSP's"


async def test_an_agreement_serves_its_meter_and_its_company_only(office: Office, signed_in: SignIn) -> None:
    await agreed(office, number=1)
    client = await signed_in("rep.admin")
    assert await refusals(client, f"/meters/{esi(2)}") == {"no-agreement"}
    assert await refusals(client, f"/meters/{esi(3)}") == {"not-found"}
    assert await refusals(await signed_in("blue.admin")) == {"not-found"}


@pytest.mark.parametrize("how", ["company", "customer", "time"])
async def test_an_agreement_that_is_over_serves_no_more(
    office: Office, signed_in: SignIn, clock: HandClock, how: str
) -> None:
    agreement = await agreed(office, months=1)
    if how == "company":
        await end(office, agreement.id)
    elif how == "customer":
        await answer(office, "the link", AgreementAction.TERMINATE)
    else:
        clock.set(datetime.fromisoformat("2026-09-01T15:00:00+00:00"))  # before anybody has noted that it is over
    assert await refusals(await signed_in("rep.admin")) == {"no-agreement"}


async def test_a_user_needs_the_permission_beside_the_agreement(office: Office, signed_in: SignIn) -> None:
    await agreed(office)
    client = await signed_in("rep.user")
    assert await refusals(client) == {"not-permitted"}
    assert "In-Home Device Services permission" in (await join(client)).json()["detail"]
    granted = update(accounts).where(accounts.c.user_key == "rep.user").values(home_devices=True)
    await office.database.write(lambda connection: connection.execute(granted))
    await accepted(await join(client))


async def test_a_tdsps_user_needs_the_permission_and_no_agreement(portal: Portal, signed_in: SignIn) -> None:
    await born(portal)
    taken = update(accounts).where(accounts.c.user_key == "wires.admin").values(administrator=False)
    await portal.database.write(lambda connection: connection.execute(taken))
    assert await refusals(await signed_in("wires.admin")) <= {"not-permitted", "not-found"}
    granted = update(accounts).where(accounts.c.user_key == "wires.admin").values(home_devices=True)
    await portal.database.write(lambda connection: connection.execute(granted))
    await accepted(await join(await signed_in("wires.admin")))


async def test_the_agreement_is_asked_for_in_the_transaction_that_gives_the_command(
    office: Office, portal: Portal
) -> None:
    agreement = await agreed(office)
    who = await viewer(portal.database, "rep.admin")
    meter = await visible(portal.database, who, 1, portal.clock.now())
    assert isinstance(await portal.devices.notify(meter, who, None, _text), Given)
    await end(office, agreement.id)
    refused = await portal.devices.notify(meter, who, None, _text)
    assert isinstance(refused, DeviceRefused)
    assert refused.reason is DeviceRefusal.NO_AGREEMENT


def _text(event: int) -> Text:
    return Text(event=event, text="Hi")


async def test_a_new_rep_sees_nothing_of_what_an_earlier_ones_devices_were_told(
    office: Office, signed_in: SignIn, portal: Portal, clock: HandClock
) -> None:
    await agreed(office)
    old, voice = await signed_in("rep.admin"), Voice(clock)
    place = await accepted(await join(old))
    text = await accepted(await old.post(f"{HERE}/texts", json={"text": "For you alone"}))
    await portal.desk.handle([voice.changed(Stage.REQUESTED), voice.reported(), voice.changed(Stage.REMOVED)])
    await clock.advance(60)
    feed = MarketDesk(portal.database, clock, SeededDice(3))
    await tell(feed, rep(clock.now(), RepChange.SWITCH, BLUEBONNET, esi(1)))
    await ask(office, "blue.admin", secret="another link")
    assert await answer(office, "another link") == "active"
    new = await signed_in("blue.admin")
    for path in ("devices", "commands", "device-reports"):
        assert (await new.get(f"{HERE}/{path}")).json() == [], path
    for path in (f"{HERE}/devices/{MAC}", place, text):
        assert (await new.get(path)).status_code == 404, path
    assert (await old.get(f"{HERE}/devices")).status_code == 404
    wires = await signed_in("wires.admin")
    assert len((await wires.get(f"{HERE}/commands")).json()) == 2, "the TDSP sees all"
    await clock.advance(60)
    await portal.desk.handle([voice.reported()])
    assert len((await new.get(f"{HERE}/device-reports")).json()) == 1


async def test_an_agreement_that_ends_while_somebody_waits_for_a_device_ends_the_wait(
    office: Office, signed_in: SignIn, portal: Portal, clock: HandClock
) -> None:
    agreement = await agreed(office)
    client, voice = await signed_in("rep.admin"), Voice(clock)
    await portal.desk.handle([voice.changed(Stage.REQUESTED)])
    waiting = asyncio.create_task(client.get(f"{HERE}/devices/{MAC}", params={"wait": 20}))
    await turns()
    await end(office, agreement.id)
    await portal.desk.handle([voice.changed(Stage.ACTIVE)])
    assert (await waiting).json()["type"].endswith(":no-agreement")


async def test_a_rep_that_comes_back_needs_a_new_agreement(
    office: Office, signed_in: SignIn, portal: Portal, clock: HandClock
) -> None:
    await agreed(office)
    feed = MarketDesk(portal.database, clock, SeededDice(3))
    for duns in (BLUEBONNET, LONE_STAR):
        await clock.advance(60)
        await tell(feed, rep(clock.now(), RepChange.SWITCH, duns, esi(1)))
    assert await refusals(await signed_in("rep.admin")) == {"no-agreement"}
