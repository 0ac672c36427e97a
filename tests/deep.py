"""Thousands of histories of the market against the naive one, more than the suite has time for.

    python -m tests.deep [histories] [first seed]

It ends by itself. A history that differs is told with its seed; `python -m tests.deep 1 SEED` tells that one again.
"""

import asyncio
import sys
import time

from tests.portal.market_model.telling import Theatre, theatre

HISTORIES = 2000
AT_ONCE = 100


async def main(histories: int, first: int) -> int:
    """Tell histories, some at a time; 1 if one differs."""
    async with theatre() as stage:
        return await _tell(stage, histories, first)


async def _tell(stage: Theatre, histories: int, first: int) -> int:
    began, done, steps, seen, pages = time.process_time(), 0, 0, 0, 0
    while done < histories:
        seeds = range(first + done, first + min(done + AT_ONCE, histories))
        told = await stage.tell(seeds)
        done, steps = done + told.histories, steps + told.steps
        seen, pages = seen + told.looked.seen, pages + told.looked.pages
        rate = steps / max(time.process_time() - began, 0.001)
        tell(
            f"seeds {first} to {first + done - 1}: {done} histories, {steps} steps, {seen} meters seen, "
            f"{pages} looks through the application; {rate:.0f} steps a second of CPU"
        )
        if told.fault is not None:
            tell(told.fault)
            return 1
    return 0


def tell(words: str) -> None:
    """Say something at once."""
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    arguments = [int(each) for each in sys.argv[1:]]
    sys.exit(asyncio.run(main(*[*arguments, *(HISTORIES, 0)[len(arguments) :]])))
