"""The guide's rules are tried on a whole portal: the fixtures are the portal's own."""

from tests.portal.conftest import (
    answers,
    app,
    bus,
    clock,
    database,
    guest,
    portal,
    signed_in,
)

__all__ = ["answers", "app", "bus", "clock", "database", "guest", "portal", "signed_in"]
