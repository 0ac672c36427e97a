"""The garbage collector's manners in a long-lived process: what stands at start is never looked at again."""

import gc

YOUNG_OBJECTS = 50_000
"""New container objects between two collections: some hundred requests' worth instead of Python's seven hundred."""


def settle_memory() -> None:
    """Call once everything is built. A full collection of all modules and tables stops the loop for 0.1 s otherwise."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 10, 10)
