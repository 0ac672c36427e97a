"""Items drawn in a thread: the same ones, their end or their exception, and never more than so many ahead."""

import threading
from collections.abc import Iterator
from contextlib import closing
from itertools import count

import pytest

from portal.usage.ahead import ahead


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "ahead"]


def test_items_come_in_order_and_end() -> None:
    assert list(ahead(iter(range(1000)), 3)) == list(range(1000))
    assert list(ahead(iter([]), 1)) == []
    assert threads() == []


def test_what_ends_the_iteration_is_raised_behind_what_came_before() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise OSError("the disk is gone")

    found = ahead(broken(), 5)
    assert next(found) == 1
    with pytest.raises(OSError, match="the disk is gone"):
        next(found)


def test_who_stops_early_ends_the_thread_and_closes_what_it_drew_from() -> None:
    closed = threading.Event()

    def endless() -> Iterator[int]:
        try:
            yield from count()
        finally:
            closed.set()

    with closing(ahead(ahead(endless(), 2), 2)) as found:  # type: ignore[type-var]  # it is a generator
        assert [next(found) for _ in range(5)] == list(range(5))
    assert threads() == []
    assert closed.is_set()


def test_no_more_is_drawn_than_said() -> None:
    drawn: list[int] = []
    found = ahead((drawn.append(number) or number for number in count()), 4)  # type: ignore[func-returns-value]
    for taken in range(1, 200):
        next(found)
        assert len(drawn) <= taken + 4 + 1
    found.close()  # type: ignore[attr-defined]  # it is a generator
