"""How a benchmark says whether a goal is met."""

from tests.bench.echo import say


def goal(what: str, found: float, wanted: float, *, most: bool = False) -> None:
    """Print a figure beside its goal, the least or the most that is wanted."""
    met = found <= wanted if most else found >= wanted
    say(f"{what:48} {found:8.2f}   goal {'at most' if most else 'at least'} {wanted:g}{'' if met else '   NOT MET'}")
