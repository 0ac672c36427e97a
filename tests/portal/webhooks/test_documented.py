"""The lines of Python that docs/programs.md gives to receivers tell what the portal sent from what it did not."""

import re
from pathlib import Path
from typing import Any

from tests.portal.conftest import SignIn
from tests.portal.webhooks.receiver import Receiver
from tests.portal.webhooks.stand import Teller, register

PAGE = Path(__file__).parents[3] / "docs" / "programs.md"


def documented() -> Any:
    """The function, from the page."""
    (source,) = [
        block for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL) if "whsec_" in block
    ]
    names: dict[str, Any] = {}
    exec(compile(source, str(PAGE), "exec"), names)  # it is our own page
    return names["is_from_metergate"]


async def test_the_documented_check_takes_what_is_ours_and_nothing_else(
    signed_in: SignIn, receiver: Receiver, teller: Teller
) -> None:
    client, check = await signed_in("rep.admin"), documented()
    webhook_id, old = await register(client, receiver)
    new = (await client.post(f"/webhooks/{webhook_id}/secret", json={"grace_s": 60})).json()["secret"]
    await client.post(f"/webhooks/{webhook_id}/ping")
    await teller.send()
    (got,) = receiver.got
    now = teller.clock.now().timestamp()
    assert [check(secret, got.headers, got.body, now) for secret in (old, new)] == [True, True]
    assert not check("whsec_" + "A" * 43 + "=", got.headers, got.body, now)
    assert not check(new, got.headers, got.body + b" ", now)
    assert not check(new, {**got.headers, "webhook-id": "evt_other"}, got.body, now)
    assert not check(new, {**got.headers, "webhook-timestamp": str(int(now) - 1)}, got.body, now)
    assert not check(new, got.headers, got.body, now + 301)
