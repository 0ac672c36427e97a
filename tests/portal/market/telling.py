"""A TDSP's program beside the pages: it signs in to the API and tells notices."""

import httpx

from gateway.market_notices import MarketNotice
from portal.market.openings import kept
from tests.portal.pages.house import House
from tests.portal.world import PASSWORD


async def tell_from(house: House, *notices: MarketNotice, user_id: str = "wires.admin") -> list[str]:
    """Tell notices over the API; returns what became of each: its state, or why it was refused."""
    transport = httpx.ASGITransport(house.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://portal.test/api/v1") as client:
        who = {"user_id": user_id, "password": PASSWORD}
        token = (await client.post("/sessions", json=who)).json()["token"]
        told = {"notices": [kept(notice) for notice in notices]}
        answer = await client.post("/market/notices", json=told, headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 200, answer.text
    return [str(each["reason"] or each["state"]) for each in answer.json()]
