"""Fixtures of the tests of agreements: the small world with an operating team, and an office in it, on each engine."""

from tests.portal.people.conftest import database, office

__all__ = ["database", "office"]
