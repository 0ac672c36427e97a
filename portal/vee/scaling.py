"""Sharing out a number of watt-hours in proportion, so that not one is lost or added: the largest remainders (pure)."""

from collections.abc import Sequence


def shared(total: int, weights: Sequence[int]) -> tuple[int, ...]:
    """A total that is not negative in whole Wh by weights that are not; without any weight in equal parts.

    Each share is its exact part rounded down or up; those with the largest remainders are rounded up, of equal ones
    the earliest.
    """
    assert total >= 0, "a share of less than nothing"
    if not weights:
        return ()
    whole = sum(weights)
    if whole == 0:
        weights, whole = (1,) * len(weights), len(weights)
    parts = [divmod(total * weight, whole) for weight in weights]
    left = total - sum(part for part, _ in parts)
    first = sorted(range(len(parts)), key=lambda place: (-parts[place][1], place))[:left]
    raised = frozenset(first)
    return tuple(part + (place in raised) for place, (part, _) in enumerate(parts))
