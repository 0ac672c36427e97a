"""The letter that tells a company's administrators that a webhook was switched off (pure)."""

from collections.abc import Iterable
from typing import Any

from portal.mail.letters import MOST_SUBJECT, Letter
from portal.mail.wording import Link, Part, Quoted, worded


def letters_of_switched_off(to: Iterable[str], webhook: Any, words: str, address: str) -> list[Letter]:
    """A webhook was switched off by itself, and why."""
    parts: list[Part] = [
        f"The webhook {webhook.name} was switched off: {words}. It is sent to",
        Quoted(webhook.address),
        (
            "What happens from now on is not told to it. What waited can be sent again, one by one, once it is "
            "switched on; what it missed is in the API."
        ),
        Link("The webhook", f"{address}/account/webhooks/{webhook.id}"),
    ]
    return [worded(each, f"Webhook {webhook.name} was switched off"[:MOST_SUBJECT], parts) for each in to]
