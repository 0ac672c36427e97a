"""How the portal sends mail: section [portal.mail]."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import Field

from gateway.config import Secret, settings


class Protection(StrEnum):
    """How the connection to the mail server is protected."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


@settings
class MailSettings:
    """Which mail server takes the portal's letters, and how they are repeated. Without a host letters wait."""

    host: Annotated[str | None, Field(description="The mail server (SMTP); without one letters wait, visibly.")] = None
    port: Annotated[
        int, Field(description="Its port: 587 for STARTTLS, 465 for TLS from the start.", ge=1, le=65535)
    ] = 587
    protection: Annotated[
        Protection, Field(description="`starttls`, `tls` from the start, or `none`, for loopback only.")
    ] = Protection.STARTTLS
    ca_file: Annotated[
        Path | None, Field(description="The authority (PEM) that vouches for it, if not a public one.")
    ] = None
    username: Annotated[str | None, Field(description="User name at the mail server, if it asks for one.")] = None
    password: Annotated[Secret | None, Field(description="Password at the mail server.")] = None
    sender: Annotated[str, Field(description="The address that letters come from.")] = "metergate@metergate.example"
    timeout_s: Annotated[
        float, Field(description="How long the server may take over each of its answers, s.", gt=0)
    ] = 20
    lease_s: Annotated[
        float, Field(description="How long one sender has a letter to itself, s; then another may take it.", ge=1)
    ] = 300
    look_s: Annotated[float, Field(description="How often what is due is looked for, s.", gt=0)] = 1
    letters_at_once: Annotated[int, Field(description="Letters taken and sent together.", ge=1, le=64)] = 8
    retry_first_s: Annotated[
        float, Field(description="Pause before a letter is tried again, s; then doubled.", gt=0)
    ] = 30
    retry_last_s: Annotated[float, Field(description="The longest pause between two tries, s.", gt=0)] = 14_400
    most_attempts: Annotated[int, Field(description="Tries, then a letter has failed; 20 take two days.", ge=1)] = 20
    most_attachment_bytes: Annotated[
        int, Field(description="The largest file that is attached, bytes; of larger ones a link is sent.", ge=0)
    ] = 5_242_880
    kept_days: Annotated[
        int, Field(description="Days after which letters that were sent or failed are removed.", ge=1)
    ] = 30
    mailbox: Annotated[
        Path | None,
        Field(
            description="For demonstrations only: a folder for what is mailed here, shown on this machine at /dev/mail."
        ),
    ] = None
    mailbox_port: Annotated[int, Field(description="The port of that mailbox on 127.0.0.1.", ge=0, le=65535)] = 10025
    mailbox_letters: Annotated[int, Field(description="Letters that the mailbox keeps.", ge=1)] = 200
