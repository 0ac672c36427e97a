"""The on-demand desk's numbers: section [portal.reads]."""

from typing import Annotated

from pydantic import Field

from gateway.config import settings


@settings
class DeskSettings:
    """How on-demand reads are sent, repeated and given up. The last three fields are for tests only."""

    grace_s: Annotated[float, Field(description="How long after its deadline an unanswered read is given up, s.")] = (
        10.0
    )
    resend_first_s: Annotated[float, Field(description="Pause before a request is sent again, s; then doubled.")] = 0.7
    resend_last_s: Annotated[float, Field(description="The longest pause between two sendings, s.")] = 5.0
    publish_timeout_s: Annotated[float, Field(description="How long the broker may take to confirm, s.")] = 5.0
    publish_at_once: Annotated[int, Field(description="Requests handed to the broker together.", ge=1)] = 64
    decide_at_once: Annotated[int, Field(description="Asks decided in one transaction.", ge=1)] = 256
    sweep_s: Annotated[float, Field(description="The longest time between two looks for expired reads, s.")] = 20.0
    most_waiting: Annotated[int, Field(description="Asks and open reads in one process, then it is busy.")] = 20_000
    most_incidents: Annotated[int, Field(description="Incidents kept per gateway; more are only logged.")] = 1_000
    one_in_flight: Annotated[bool, Field(description="For tests only: false lets reads of one meter overlap.")] = True
    outbox_until_result: Annotated[
        bool, Field(description="For tests only: false forgets a request at the broker's acknowledgement.")
    ] = True
    receipts: Annotated[bool, Field(description="For tests only: false sends gateways no receipts.")] = True
