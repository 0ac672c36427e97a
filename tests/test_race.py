"""The race as a test: three hundred callers for one meter get one read; without the gate they get more.

`make race` runs it with a thousand callers and more rounds.
"""

from tests.race import races

CALLERS = 300


async def test_of_three_hundred_callers_one_is_first_and_one_read_is_made(database_url: str) -> None:
    found = await races(database_url, 3, gate=True, callers=CALLERS)
    assert [one.faults for one in found] == [[], [], []]
    assert all(one.answers.total() == CALLERS for one in found)


async def test_without_the_gate_the_race_is_lost(database_url: str) -> None:
    found = await races(database_url, 6, gate=False, callers=CALLERS)
    assert [fault for one in found for fault in one.faults]
