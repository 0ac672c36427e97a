"""A typed client of the portal's API for Python programs; its calls are generated from the OpenAPI document."""

from portal.client.calls import Metergate
from portal.client.connection import Connection, Problem

__all__ = ["Connection", "Metergate", "Problem"]
