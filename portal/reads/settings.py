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
    batch_meters: Annotated[int, Field(description="Meters of one batch of reads.", ge=1, le=5_000)] = 500
    batches: Annotated[int, Field(description="Batches of one account that still wait to be asked for.", ge=1)] = 5
    batch_open_reads: Annotated[
        int, Field(description="Open reads of one gateway up to which batches ask for more.", ge=1, le=1_000)
    ] = 16
    batch_look_s: Annotated[float, Field(description="Pause between two pieces of batches, s.", gt=0)] = 1.0
    book_ahead_days: Annotated[int, Field(description="How many days ahead a read may be booked.", ge=1, le=60)] = 7
    most_booked: Annotated[int, Field(description="Booked reads of one account that have not come.", ge=1)] = 100
    booked_patience_s: Annotated[
        float, Field(description="How late a booked read is still asked for; later it is missed, s.", gt=0)
    ] = 300.0
    one_in_flight: Annotated[bool, Field(description="For tests only: false lets reads of one meter overlap.")] = True
    outbox_until_result: Annotated[
        bool, Field(description="For tests only: false forgets a request at the broker's acknowledgement.")
    ] = True
    receipts: Annotated[bool, Field(description="For tests only: false sends gateways no receipts.")] = True
