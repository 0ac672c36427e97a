"""How webhooks are sent: section [portal.webhooks]."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, IPvAnyNetwork

from gateway.config import settings


@settings
class WebhookSettings:
    """Where webhooks may go, how they are sent and repeated. By default public addresses over https alone."""

    allowed_networks: Annotated[
        tuple[IPvAnyNetwork, ...],
        Field(description="Networks that are not public and may be reached all the same, such as `10.20.0.0/16`."),
    ] = ()
    plain_http: Annotated[bool, Field(description="Whether http addresses are taken too; for laboratories.")] = False
    ca_file: Annotated[
        Path | None, Field(description="An authority (PEM) that vouches for receivers, beside the public ones.")
    ] = None
    timeout_s: Annotated[float, Field(description="How long a receiver may take over its whole answer, s.", gt=0)] = 10
    lanes: Annotated[int, Field(description="Addresses that are told at the same time.", ge=1, le=256)] = 16
    in_a_row: Annotated[int, Field(description="Events taken for one address together.", ge=1, le=64)] = 8
    lease_s: Annotated[
        float, Field(description="How long a sender has what it took to itself, s; then another may.", ge=1)
    ] = 300
    look_s: Annotated[float, Field(description="How often what is due is looked for, s.", gt=0)] = 1
    rest_s: Annotated[
        float, Field(description="How long an address is left alone after it did not take an event, s.", ge=0)
    ] = 30
    most_waiting: Annotated[
        int, Field(description="Events that may wait for a failing address; with more it is switched off.", ge=1)
    ] = 20_000
    kept_days: Annotated[int, Field(description="Days after which what was told is removed.", ge=1)] = 30
