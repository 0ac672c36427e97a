"""Where usage is kept: the table [usage]."""

from typing import Annotated

from pydantic import Field

from gateway.config import settings


@settings
class UsageSettings:
    """The table [usage]."""

    database: Annotated[
        str, Field(description="Where interval usage is kept: a SQLite file of its own, or the portal's PostgreSQL.")
    ]
