"""Looking at the real market through the real application: its pages, its API and its façades."""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

import httpx
from sqlalchemy.ext.asyncio import AsyncConnection

from portal.accounts.sessions import open_session
from portal.accounts.tables import SessionKind
from tests.portal.market_model.look import Looked, equal
from tests.portal.market_model.naive import Naive
from tests.portal.market_model.stage import Stage

ABSENT = "10443720000000099"
"""An ESI ID that no premise ever has in a history."""
ORDER = {"reports": [{"report": "meter_information"}], "by": "esi_id"}
SERVICE = {"trans_id": "1", "SMTTermsandConditions": "Y", "startDate": "06/28/2026", "endDate": "06/29/2026"}
QUESTIONS: Sequence[tuple[str, str, Mapping[str, Any] | None]] = (
    ("GET", "/api/v1/meters/{}", None),
    ("GET", "/api/v1/meters?esi_id={}", None),
    ("GET", "/api/v1/meters/{}/usage?start=2026-06-28&end=2026-06-29", None),
    ("GET", "/api/v1/usage?esi_id={}&start=2026-06-28&end=2026-06-29", None),
    ("GET", "/api/v1/meters/{}/daily-reads?start=2026-06-28&end=2026-06-29", None),
    ("GET", "/api/v1/meters/{}/monthly-usage", None),
    ("GET", "/api/v1/meters/{}/reads", None),
    ("GET", "/api/v1/meters/{}/premise-information", None),
    ("GET", "/api/v1/meters/{}/meter-information", None),
    ("GET", "/api/v1/meters/{}/devices", None),
    ("GET", "/api/v1/meters/{}/commands", None),
    ("GET", "/api/v1/meters/{}/assignment", None),
    ("POST", "/api/v1/meters/{}/reads", None),
    ("POST", "/api/v1/orders", {**ORDER, "meters": ["{}"]}),
    ("POST", "/api/meter", {"esiid": "{}"}),
    ("POST", "/api/ondemandread", {"ESIID": "{}", "MeterNumber": "0"}),
    ("POST", "/api/usage/latestodrread", {"ESIID": "{}"}),
    ("POST", "/api/usage/interval", {"esiid": "{}", "startDate": "06/28/2026", "endDate": "06/29/2026"}),
    ("POST", "/api/usage/daily", {"esiid": "{}", "startDate": "06/28/2026", "endDate": "06/29/2026"}),
    ("POST", "/meterInfo", {**SERVICE, "esiid": "{}"}),
    ("POST", "/15minintervalreads", {**SERVICE, "esiid": ["{}"]}),
    ("POST", "/odr", {**SERVICE, "ESIID": "{}"}),
    ("PAGE", "/usage/meters/{}", None),
    ("PAGE", "/usage/meters/{}/reads", None),
    ("PAGE", "/usage/meters?q={}", None),
)
"""Every way to ask for one meter; an id in the body stands for itself."""
REQUESTERS = {"rep": "REP", "tdsp": "TDSP", "customer": "CUST", "third_party": "CSP"}


async def compare_application(
    stage: Stage, naive: Naive, sight: dict[int, dict[str, str]], dice: Random, looked: Looked
) -> None:
    """Somebody with sessions of his own asks for meters: those that he sees are there, and no trace of any other."""
    account_id = dice.choice(list(naive.accounts))
    who, seen = naive.accounts[account_id], sight[account_id]
    enters = naive.may_enter(account_id) and not who.owes

    async def sign_in(connection: AsyncConnection) -> tuple[str, str]:
        opened = [
            await open_session(connection, account_id, kind, stage.portal.dice, naive.now)
            for kind in (SessionKind.TOKEN, SessionKind.PAGE)
        ]
        return opened[0], opened[1]

    token, cookie = await stage.database.write(sign_in)
    transport = httpx.ASGITransport(stage.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://portal.test") as client:
        asking = _Asking(client, token, cookie, naive.kind(account_id), sorted(naive.active_duns(account_id)))
        listed = await asking.ask("GET", "/api/v1/meters", None)
        page = await asking.ask("PAGE", "/usage/meters", None)
        if not enters:
            equal("the door", listed.status_code in (401, 403), True)
            seen = {}
        else:
            equal("listed", {each["esi_id"]: each["number"] for each in listed.json()["meters"]}, seen)
            equal("counted", listed.json()["total"], len(seen))
        equal("on the page", {esi_id for esi_id in naive.premises if esi_id in page.text}, set(seen))
        hidden = [esi_id for esi_id in naive.premises if esi_id not in seen]
        if hidden:
            await _compare_with_absent(asking, dice.choice(hidden), dice.sample(QUESTIONS, 4))
        if seen:
            esi_id = dice.choice(list(seen))
            shown = await asking.ask("GET", "/api/v1/meters/{}", None, esi_id)
            equal("one meter", (shown.status_code, shown.json().get("number")), (200, seen[esi_id]))
    looked.pages += 1


async def _compare_with_absent(asking: "_Asking", hidden: str, questions: Sequence[Any]) -> None:
    """A meter that is not his and one that is not there give the same answer, to the byte but for the id itself."""
    for method, path, body in questions:
        theirs = await asking.ask(method, path, body, hidden)
        absent = await asking.ask(method, path, body, ABSENT)
        equal(
            f"{method} {path}",
            (theirs.status_code, theirs.content.replace(hidden.encode(), b"?")),
            (absent.status_code, absent.content.replace(ABSENT.encode(), b"?")),
        )


class _Asking:
    """A program and a browser of one person."""

    def __init__(self, client: httpx.AsyncClient, token: str, cookie: str, kind: str, duns: list[str]) -> None:
        self._client = client
        self._token = token
        self._cookie = cookie
        self._more = {"requesterType": REQUESTERS.get(kind, "REP"), "requesterAuthenticationID": (duns or ["0"])[0]}

    async def ask(self, method: str, path: str, body: Mapping[str, Any] | None, esi_id: str = ABSENT) -> httpx.Response:
        """One request with an id in its place."""
        place = path.format(esi_id)
        if method == "PAGE":
            headers = {"Cookie": f"metergate={self._cookie}", "Accept": "text/html"}
            return await self._client.get(place, headers=headers, follow_redirects=True)
        headers = {"Authorization": f"Bearer {self._token}"}
        filled = None if body is None else {key: _filled(value, esi_id) for key, value in body.items()}
        if filled is not None and "SMTTermsandConditions" in filled:
            filled |= self._more
        return await self._client.request(method, place, json=filled, headers=headers)


def _filled(value: Any, esi_id: str) -> Any:
    if value == "{}":
        return esi_id
    return [esi_id] if value == ["{}"] else value
