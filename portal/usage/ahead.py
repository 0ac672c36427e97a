"""Work that goes on in a thread of its own while what it made is used: reading, hashing and parsing beside storing."""

from collections.abc import Generator, Iterator
from queue import Queue
from threading import Event, Thread
from typing import TypeVar

T = TypeVar("T")


class _Raised:
    """What ended an iteration: its exception, or None if it came to its end."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


def ahead(items: Iterator[T], most: int) -> Iterator[T]:
    """The same items, drawn in a thread of its own, at most so many before they are asked for; so is what ends them.

    Who stops before the end ends the thread as well, behind the item that it is at.
    """
    queue: Queue[T | _Raised] = Queue(most)
    stopped = Event()

    def draw() -> None:
        end = _Raised(None)
        try:
            for item in items:
                queue.put(item)
                if stopped.is_set():
                    break
            if isinstance(items, Generator):
                items.close()
        except BaseException as error:  # the thread's edge: whoever asks for items hears of it
            end = _Raised(error)
        queue.put(end)

    thread = Thread(target=draw, name="ahead", daemon=True)
    thread.start()
    try:
        while not isinstance(item := queue.get(), _Raised):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        stopped.set()
        while thread.is_alive():  # it may wait for room
            while not queue.empty():
                queue.get()
            thread.join(0.01)
