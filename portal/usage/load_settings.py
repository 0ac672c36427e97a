"""The numbers of loading files: section [portal.load]."""

from typing import Annotated

from pydantic import Field

from gateway.config import settings


@settings
class LoadSettings:
    """What `metergate load` takes at most, and how it watches a folder."""

    most_files: Annotated[int, Field(description="Files in a folder and below it; more are refused.", ge=1)] = 100_000
    most_members: Annotated[int, Field(description="Files in a zip archive.", ge=1, le=10_000)] = 1_000
    most_unpacked_bytes: Annotated[int, Field(description="Bytes that one archive may unpack to.", ge=1)] = (
        17_179_869_184
    )
    most_ratio: Annotated[
        int, Field(description="Bytes that a byte of an archive may unpack to, beyond the first MiB.", ge=1)
    ] = 200
    most_spooled_bytes: Annotated[
        int, Field(description="Bytes of standard input, kept in a private temporary file while it is loaded.", ge=1)
    ] = 4_294_967_296
    settle_s: Annotated[
        float, Field(description="A file in a watched folder is complete if it did not change for so long, s.", ge=0)
    ] = 10.0
    poll_s: Annotated[float, Field(description="Seconds between two looks into a watched folder.", gt=0)] = 5.0
    most_failures: Annotated[
        int, Field(description="Times in a row that the database may fail before watching ends.", ge=1)
    ] = 10
    longest_pause_s: Annotated[
        float, Field(description="The longest pause after the database failed, s; the first is poll_s, then doubled.")
    ] = 300.0
