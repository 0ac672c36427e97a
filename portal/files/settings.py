"""The companies' folders and who serves them: section [portal.files]."""

from datetime import time
from pathlib import Path
from typing import Annotated

from pydantic import Field

from gateway.config import settings


@settings
class FilesSettings:
    """Where the companies' files lie and for how long, and how `metergate files` serves and fills their folders."""

    folder: Annotated[Path, Field(description="The folder of files; each company has one inside, by its number.")] = (
        Path("var/files")
    )
    kept_days: Annotated[int, Field(description="Days after which a file is removed.", ge=1)] = 10
    host: Annotated[str, Field(description="The address to listen on for FTPS and SFTP.")] = "127.0.0.1"
    ftps_port: Annotated[
        int,
        Field(description="The port for FTPS, if the portal has a certificate; 0 takes a free one.", ge=0, le=65535),
    ] = 8021
    passive_first: Annotated[int, Field(description="The first port for FTPS data.", ge=1, le=65535)] = 8100
    passive_last: Annotated[int, Field(description="The last port for FTPS data.", ge=1, le=65535)] = 8199
    public_host: Annotated[
        str | None, Field(description="The IPv4 address that FTPS clients reach, if a router changes it on the way.")
    ] = None
    sftp_port: Annotated[int, Field(description="The port for SFTP; 0 takes a free one.", ge=0, le=65535)] = 8022
    host_key: Annotated[Path, Field(description="The SFTP server's own key; made at the first start, then kept.")] = (
        Path("var/sftp_host_key")
    )
    most_sessions: Annotated[int, Field(description="Sessions of FTPS and of SFTP at a time, each.", ge=1)] = 100
    most_per_user: Annotated[int, Field(description="Sessions of one user name at a time.", ge=1)] = 8
    most_per_address: Annotated[int, Field(description="Connections from one address at a time.", ge=1)] = 20
    idle_s: Annotated[float, Field(description="A session without a command ends after this, s.", gt=0)] = 300
    sign_in_s: Annotated[float, Field(description="How long somebody may take to sign in over SFTP, s.", gt=0)] = 30
    lse_at: Annotated[time, Field(description="The Chicago time at which the day before is dropped as LSE files.")] = (
        time(12, 0)
    )
    lse_wait_h: Annotated[
        float, Field(description="How long after that a file waits for meters without any data, hours.", ge=0)
    ] = 11
    lse_days: Annotated[
        int, Field(description="Days back for which missing LSE files are made up; 0 drops none.", ge=0, le=400)
    ] = 7
    lse_look_s: Annotated[float, Field(description="How often LSE files that are due are looked for, s.", gt=0)] = 60
    lse_lease_s: Annotated[
        float, Field(description="How long one process has an LSE file to itself, s; then another may make it.", ge=1)
    ] = 1800
