"""The portal's configuration: section [portal]."""

from dataclasses import field
from pathlib import Path
from typing import Annotated

from pydantic import Field

from gateway.config import Credentials, Secret, settings
from portal.accounts.presets import Preset
from portal.files.settings import FilesSettings
from portal.han.settings import DeviceSettings
from portal.mail.settings import MailSettings
from portal.market.settings import MarketSettings
from portal.orders.settings import OrderSettings
from portal.reads.settings import DeskSettings
from portal.usage.load_settings import LoadSettings
from portal.vee.settings import VeeSettings
from portal.webhooks.settings import WebhookSettings


@settings
class SessionTimes:
    """How long somebody stays signed in: section [portal.sessions]."""

    page_idle_s: Annotated[float, Field(description="A page's session ends this long after its last use, s.")] = 1800.0
    page_life_s: Annotated[float, Field(description="A page's session ends this long after sign-in, s.")] = 43_200.0
    token_idle_s: Annotated[
        float, Field(description="A program's token ends this long after its last use, s; 20 min at least.", ge=1200)
    ] = 3600.0
    token_life_s: Annotated[
        float, Field(description="A token ends this long after sign-in, s, once it is unused for 15 min.")
    ] = 86_400.0


@settings
class PortalSettings:
    """Where the portal keeps its data and listens."""

    database: Annotated[
        str | Secret, Field(description="The market's database by URL; as a secret if it holds a password.")
    ] = "sqlite:///var/portal.db"
    intervals: Annotated[
        str | Secret, Field(description="The intervals' database by URL; on SQLite a file of its own.")
    ] = "sqlite:///var/intervals.db"
    host: Annotated[str, Field(description="The address to listen on.")] = "127.0.0.1"
    port: Annotated[int, Field(description="The port for plain HTTP; 0 takes a free one.", ge=0, le=65535)] = 8080
    tls_port: Annotated[int, Field(description="The port for HTTPS, if a certificate is given.", ge=0, le=65535)] = 8443
    certificate: Annotated[Path | None, Field(description="The server's certificate chain (PEM).")] = None
    key: Annotated[Path | None, Field(description="The private key (PEM) of the certificate.")] = None
    address: Annotated[str, Field(description="The portal's address as people open it, for the links in mail.")] = (
        "http://127.0.0.1:8080"
    )
    most_body_bytes: Annotated[int, Field(description="The largest request body that is read, bytes.")] = 4_194_304
    preset: Annotated[
        Preset, Field(description="Whose rules of signing in hold: `smt`, the guide's, or `modern`, today's.")
    ] = Preset.MODERN
    audit_key: Annotated[
        Secret | None, Field(description="The key that seals the audit log, kept where the database is not.")
    ] = None
    secrets_key: Annotated[
        Secret | None,
        Field(
            description="The key that seals second factors; with SQLite a file beside the database unless one is given."
        ),
    ] = None
    help_desk: Annotated[str, Field(description="How to reach the help desk, as shown on every page.")] = (
        "help@metergate.example"
    )
    sessions: Annotated[SessionTimes, Field(description="How long somebody stays signed in.")] = field(
        default_factory=SessionTimes
    )
    reads: Annotated[DeskSettings, Field(description="How on-demand reads are sent and given up.")] = field(
        default_factory=DeskSettings
    )
    devices: Annotated[DeviceSettings, Field(description="How commands to gateways are sent and given up.")] = field(
        default_factory=DeviceSettings
    )
    load: Annotated[LoadSettings, Field(description="What is loaded at most, and how a folder is watched.")] = field(
        default_factory=LoadSettings
    )
    mail: Annotated[MailSettings, Field(description="How mail is sent.")] = field(default_factory=MailSettings)
    files: Annotated[FilesSettings, Field(description="The companies' folders, and how they are served.")] = field(
        default_factory=FilesSettings
    )
    orders: Annotated[OrderSettings, Field(description="What may be ordered, how it is made, how long it is kept.")] = (
        field(default_factory=OrderSettings)
    )
    vee: Annotated[VeeSettings, Field(description="How intervals are accounted for, checked and estimated.")] = field(
        default_factory=VeeSettings
    )
    market: Annotated[MarketSettings, Field(description="How TDSPs' notices are taken.")] = field(
        default_factory=MarketSettings
    )
    webhooks: Annotated[WebhookSettings, Field(description="Where webhooks may go, and how they are sent.")] = field(
        default_factory=WebhookSettings
    )
    credentials: Annotated[Credentials, Field(description="Who the portal is to the broker.")] = field(
        default_factory=Credentials
    )


def seal_key(settings: PortalSettings) -> bytes:
    """The audit log's key in the clear, empty if there is none."""
    return b"" if settings.audit_key is None else settings.audit_key.reveal().encode()


def url_of(place: str | Secret) -> str:
    """A database's URL in the clear. Raises BadConfig if its secret is not where the configuration says."""
    return place.reveal() if isinstance(place, Secret) else place
