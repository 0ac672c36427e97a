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
from tests.portal.vee.conftest import street

__all__ = ["answers", "app", "bus", "clock", "database", "guest", "portal", "signed_in", "street"]
