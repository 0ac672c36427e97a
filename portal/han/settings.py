"""The numbers of commands to gateways: section [portal.devices]."""

from typing import Annotated

from pydantic import Field

from gateway.config import settings


@settings
class DeviceSettings:
    """How commands about home-area devices and meters are sent, repeated and given up."""

    deadline_s: Annotated[float, Field(description="Seconds after which a command is abandoned, but for a join.")] = 60
    key_s: Annotated[
        float, Field(description="Seconds that a join may take for its key after its window has closed.")
    ] = 120
    rotate_s: Annotated[float, Field(description="Seconds after which the change of a network key is abandoned.")] = 180
    grace_s: Annotated[float, Field(description="How long after its deadline an unanswered command expires, s.")] = 10
    resend_first_s: Annotated[float, Field(description="Pause before a command is sent again, s; then doubled.")] = 1
    resend_last_s: Annotated[float, Field(description="The longest pause between two sendings, s.")] = 30
    publish_timeout_s: Annotated[float, Field(description="How long the broker may take to confirm, s.")] = 5
    sweep_s: Annotated[float, Field(description="The longest time between two looks at what waits, s.")] = 10
    most_waiting: Annotated[int, Field(description="Commands waiting for their end, then it is busy.", ge=1)] = 5_000
