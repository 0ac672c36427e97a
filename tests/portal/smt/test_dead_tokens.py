"""Dead tokens: a few honest refusals, then a wait, in bounded memory."""

from portal.smt.dead_tokens import DeadTokens
from tests.clock import HandClock


async def test_after_its_budget_a_token_must_wait_until_the_window_is_over() -> None:
    clock = HandClock()
    dead = DeadTokens(clock, budget=2, window_s=600)
    assert [dead.refuse("a"), dead.refuse("a"), dead.refuse("a")] == [None, None, 600]
    await clock.advance(599)
    assert dead.refuse("a") == 1
    assert "a" in dead
    await clock.advance(1)
    assert "a" not in dead
    assert dead.refuse("a") is None


def test_one_token_does_not_spend_anothers_budget() -> None:
    dead = DeadTokens(HandClock(), budget=1)
    assert [dead.refuse("a"), dead.refuse("b")] == [None, None]
    assert "a" in dead
    assert "c" not in dead


def test_no_more_tokens_are_remembered_than_allowed() -> None:
    dead = DeadTokens(HandClock(), most=100)
    for number in range(1000):
        dead.refuse(str(number))
    assert len(dead) == 100
    assert "999" in dead
