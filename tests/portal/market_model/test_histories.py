"""The market against a naive one: hundreds of histories of whatever may happen, looked at after every step.

`make deep` tells thousands. A history that differs names its seed, its step and all that was done in it.
"""

import pytest

from portal import visibility
from tests.portal.market_model.telling import STEPS, Theatre, theatre
from tests.portal.market_model.without import PATCHED, conditions

HISTORIES = 200
ENOUGH = range(5_000, 5_040)
"""Histories until one must have shown that a condition is missing."""
SAID_TWICE = frozenset(
    {
        "meter.provisioned_at > at",  # the tables hold no instant to come; test_visibility.py draws such meters
        "rep is not None",  # nobody holds the DUNS number None
    }
)


async def test_the_market_is_in_every_history_what_a_naive_one_is() -> None:
    async with theatre() as stage:
        told = await stage.tell(range(HISTORIES))
    assert told.fault is None, told.fault
    assert (told.histories, told.steps) == (HISTORIES, HISTORIES * STEPS)
    assert told.looked.seen > HISTORIES * STEPS, "too little is seen for the comparison to mean anything"
    assert told.looked.pages > HISTORIES / 4


async def differs(stage: Theatre) -> bool:
    """Whether some history shows it; a rule that cannot even be asked any more shows it too."""
    try:
        return (await stage.tell(ENOUGH, application=False)).fault is not None
    except TypeError:
        return True


async def test_without_any_one_condition_of_the_rule_some_history_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    unnoticed = []
    async with theatre() as stage:
        for words, module in conditions():
            if words.partition(": ")[2] in SAID_TWICE:
                continue
            with monkeypatch.context() as patched:
                for name in PATCHED:
                    patched.setattr(visibility, name, getattr(module, name))
                unnoticed += [] if await differs(stage) else [words]
    assert unnoticed == []
