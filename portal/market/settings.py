"""The numbers of the market feed: section [portal.market]."""

from typing import Annotated

from pydantic import Field

from gateway.config import settings


@settings
class MarketSettings:
    """How TDSPs' notices are taken and carried out."""

    furthest_days: Annotated[
        int, Field(description="Days ahead at which a notice may take effect; later ones are refused.", ge=1, le=3650)
    ] = 180
    removal_days: Annotated[
        float, Field(description="Days that a gateway has to remove the devices of somebody who left.", gt=0)
    ] = 30
    sweep_s: Annotated[
        float, Field(description="The longest time between two looks at what takes effect, s.", gt=0)
    ] = 30
    notices_at_once: Annotated[
        int, Field(description="Notices of one request, message or file applied in one transaction.", ge=1)
    ] = 100
    premises_at_once: Annotated[
        int, Field(description="Premises brought up to date in one transaction when notices take effect.", ge=1)
    ] = 100
