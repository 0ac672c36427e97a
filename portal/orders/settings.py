"""The numbers of report orders: section [portal.orders]."""

from typing import Annotated

from pydantic import Field

from gateway.config import settings
from portal.reports.size import Large


@settings
class OrderSettings:
    """What may be ordered, how workers take it up, and how long its files are kept."""

    most_meters: Annotated[int, Field(description="Meters in one order.", ge=1, le=100_000)] = 10_000
    most_open: Annotated[int, Field(description="Orders of one account that may be Processing at once.", ge=1)] = 20
    large_usage_days: Annotated[
        int, Field(description="Daily Usage of so many days is large: a file of it is ordered, not had at once.", ge=1)
    ] = 40
    large_reads_months: Annotated[
        int, Field(description="Daily Meter Reads of so many months are large.", ge=1, le=48)
    ] = 13
    small_meter_days: Annotated[
        int, Field(description="An order of at most so many meters times days passes the large ones.", ge=1)
    ] = 4_000
    at_once: Annotated[
        int, Field(description="Orders that a process makes at once; all but one of these are small.", ge=1)
    ] = 3
    lease_s: Annotated[
        float, Field(description="An order whose worker is not heard for so long is taken up again, s.", gt=0)
    ] = 60.0
    poll_s: Annotated[float, Field(description="The pause of a worker that found nothing to do, s.", gt=0)] = 1.0
    attempts: Annotated[int, Field(description="Attempts at an order before it is Unsuccessful.", ge=1, le=100)] = 3
    retry_pause_s: Annotated[
        float, Field(description="The pause after an attempt that failed, s; then doubled.", gt=0)
    ] = 20.0
    meters_at_once: Annotated[
        int, Field(description="Meters whose visibility is asked, and whose data are read, together.", ge=1, le=500)
    ] = 100
    resend_pause_s: Annotated[
        float, Field(description="How long after one time the mail of an order may be had again, s.", gt=0)
    ] = 600.0
    kept_days: Annotated[int, Field(description="Days for which the files of an order are kept.", ge=1)] = 10
    remembered_days: Annotated[int, Field(description="Days for which an order itself is remembered.", ge=1)] = 400
    tidy_s: Annotated[
        float, Field(description="Seconds between two looks for files that are no longer kept.", gt=0)
    ] = 300.0

    @property
    def large(self) -> Large:
        """From where on a report is ordered and not had at once."""
        return Large(usage_days=self.large_usage_days, reads_months=self.large_reads_months)
