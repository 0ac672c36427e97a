"""A part of the application: a router that is asked only about addresses that can be one of its own.

With some two hundred routes, asking each in turn took longer than most answers do. An address can be a part's only if
it holds the first word of one of its routes where it has to be: at its beginning, or behind the two words of the API.
"""

from fastapi import APIRouter
from starlette.routing import Match
from starlette.types import Scope


class Part(APIRouter):
    """A router of routes that begin with words; one that begins with a parameter is asked about everything."""

    _known = (0, frozenset[str]())

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """As the router's own, but at once for addresses without any of its words."""
        words = self._words()
        path: str = scope["path"]
        if words and words.isdisjoint(path.split("/", 4)[1:4:2]) and path != "/":
            return Match.NONE, {}
        return super().matches(scope)

    def _words(self) -> frozenset[str]:
        """The first words of all routes, none if a route begins otherwise."""
        if self._known[0] != len(self.routes):
            paths = [getattr(route, "path", "") for route in self.routes]
            words = frozenset(path.split("/")[1] for path in paths if path != "/" and path.count("/"))
            plain = all(path.startswith("/") and not path.startswith("/{") for path in paths)
            self._known = len(self.routes), words if plain else frozenset()
        return self._known[1]


class Below(APIRouter):
    """A router of parts that all stand below one address: none of them is asked about any other."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self._address = f"{address}/"

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """As the router's own, but at once for other addresses."""
        return super().matches(scope) if scope["path"].startswith(self._address) else (Match.NONE, {})
