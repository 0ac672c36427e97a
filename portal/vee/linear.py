"""A short gap is bridged by a straight line between its neighbours, or by the one neighbour that it has (pure)."""


def straight(before: int, after: int, count: int) -> tuple[int, ...]:
    """The values of a gap of so many quarter hours between two neighbours, Wh; halves are rounded up."""
    parts = count + 1
    rises = (before * parts + (after - before) * step for step in range(1, parts))
    return tuple((2 * rise + parts) // (2 * parts) for rise in rises)


def flat(neighbour: int, count: int) -> tuple[int, ...]:
    """The values of a gap with one neighbour."""
    return (neighbour,) * count
