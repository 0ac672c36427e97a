"""Places of a day's quarter hours, counted from midnight, and how the database keeps many of them: as runs.

[[0, 3], [8, 8]] means places 0, 1, 2, 3 and 8.
"""

from collections.abc import Iterable, Sequence

Places = tuple[int, ...]
"""Places in rising order, each once."""
Runs = list[list[int]]


def runs_of(places: Iterable[int]) -> Runs:
    """Places in rising order as runs, each with its first and its last place."""
    runs: Runs = []
    for place in places:
        if runs and place == runs[-1][1] + 1:
            runs[-1][1] = place
        else:
            runs.append([place, place])
    return runs


def places_of(runs: Sequence[Sequence[int]]) -> Places:
    """The places that runs mean."""
    return tuple(place for first, last in runs for place in range(first, last + 1))
