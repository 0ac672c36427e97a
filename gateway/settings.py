"""What a gateway process is told: the tables [gateway] and [gateway.credentials]."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from gateway.config import Credentials, settings
from gateway.identifiers import GatewayId


@settings
class CollectionSettings:
    """When and how a gateway collects the meters' own logs."""

    enabled: Annotated[bool, Field(description="Whether meters' logs are collected at all.")] = True
    lookback_days: Annotated[int, Field(ge=1, le=60, description="How many days back gaps are filled.")] = 30
    after_midnight_s: Annotated[
        float, Field(ge=0, description="How long after midnight Central a day is let alone.")
    ] = 600.0
    check_s: Annotated[float, Field(gt=0, description="How often it is looked whether something is due.")] = 60.0
    concurrency: Annotated[int, Field(ge=1, le=32, description="Meters asked at once on each driver.")] = 1
    piece: Annotated[int, Field(ge=1, le=100, description="Intervals asked for at once; reads go in between.")] = 24
    timeout_s: Annotated[float, Field(gt=0, description="How long a meter may take over each of these.")] = 30.0
    retry_first_s: Annotated[float, Field(gt=0, description="The pause after a first failure; it doubles.")] = 300.0
    retry_last_s: Annotated[float, Field(gt=0, description="The longest pause between attempts.")] = 14_400.0


@settings
class ReportingSettings:
    """Whether meters report their registers by themselves, beside reads and scheduled collection.

    A meter is asked once it can be reached, and again when it came back to the network, when the driver's connection is
    new, and when it fell silent. Its reports count in no limit.
    """

    every_s: Annotated[
        int,
        Field(
            ge=0,
            le=65_534,
            description="Every ZigBee meter is asked to report its registers every so many seconds; what comes more "
            "than twice as often is dropped. 0 asks no meter; those that were asked before go on, and nobody listens.",
        ),
    ] = 0
    check_s: Annotated[float, Field(gt=0, description="How often it is looked which meters are to be asked.")] = 30.0
    concurrency: Annotated[int, Field(ge=1, le=32, description="Meters asked at once on each driver.")] = 1
    timeout_s: Annotated[float, Field(gt=0, description="How long a meter may take to agree.")] = 30.0
    silent_after: Annotated[
        int, Field(ge=2, description="Reports that may be missing before a meter is asked again.")
    ] = 4
    retry_first_s: Annotated[float, Field(gt=0, description="The pause after a first failure; it doubles.")] = 300.0
    retry_last_s: Annotated[float, Field(gt=0, description="The longest pause between attempts.")] = 14_400.0
    waiting: Annotated[
        int, Field(ge=1, description="Reports that wait for the journal; beyond that the oldest is dropped.")
    ] = 2000


@settings
class GatewaySettings:
    """The table [gateway]."""

    id: Annotated[GatewayId, Field(description="This gateway's name in topics; also its user name at the broker.")]
    database: Annotated[str, Field(description="Where the journal is kept: a SQLite or PostgreSQL URL.")]
    assignments: Annotated[Path, Field(description="CSV file of the meters reached: meter,driver,address.")]
    credentials: Annotated[Credentials, Field(description="How the gateway signs in at the broker.")] = Credentials()
    collection: Annotated[
        CollectionSettings, Field(description="How the meters' own logs are collected. See CollectionSettings.")
    ] = CollectionSettings()
    reporting: Annotated[
        ReportingSettings, Field(description="Whether meters report by themselves. See ReportingSettings.")
    ] = ReportingSettings()
    concurrency: Annotated[int, Field(description="Reads running at once on each driver.", ge=1)] = 32
    open_reads: Annotated[int, Field(description="Reads accepted and not ended, before more must wait.", ge=1)] = 2000
    clock_tolerance_s: Annotated[
        float, Field(description="How far a meter's clock may lag before its snapshot counts as old.", ge=0)
    ] = 5.0
    stale_attempts: Annotated[int, Field(description="Reads tried while a meter answers with old values.", ge=1)] = 3
    stale_pause_s: Annotated[float, Field(description="Pause between those attempts in seconds.", ge=0)] = 1.0
    progress_after_s: Annotated[
        float, Field(description="A read that takes longer than this tells its progress.", ge=0)
    ] = 0.1
    repeat_s: Annotated[float, Field(description="Reports without a receipt are told again after this, s.", gt=0)] = 2.0
    window: Annotated[int, Field(description="Reports told again at once, at most.", ge=1)] = 500
    state_s: Annotated[float, Field(description="How often the gateway tells its state.", gt=0)] = 60.0
    grace_s: Annotated[float, Field(description="How long a stop waits for running reads.", ge=0)] = 5.0
    remembered_h: Annotated[int, Field(description="Hours for which ended requests are remembered.", ge=26)] = 48
    sealing_key: Annotated[
        Path | None,
        Field(description="File of the private key to which install codes are sealed; made if it is not there."),
    ] = None
    devices_per_meter: Annotated[int, Field(description="Home-area devices of a meter, at most.", ge=1)] = 5
    commands_at_once: Annotated[int, Field(description="Device commands running at once, at most.", ge=1)] = 32
    heard_waiting: Annotated[
        int, Field(description="Words of devices that wait to be recorded; beyond that the oldest is dropped.", ge=1)
    ] = 1000
    meter_window_s: Annotated[
        int,
        Field(description="How long the network is open for a meter that is assigned with its code, s.", ge=1, le=254),
    ] = 240
    claim_first: Annotated[
        bool, Field(description="For tests only: false leaves out the claim before the radio is touched.")
    ] = True
    until_receipt: Annotated[
        bool, Field(description="For tests only: false tells each report once, without waiting for a receipt.")
    ] = True
