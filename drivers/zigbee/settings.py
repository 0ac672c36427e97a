"""What a ZigBee driver is told: its radio, its database, and its patience."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field
from zigpy import config as zigpy_config

from drivers.zigbee.trust_centre import CLOSED
from gateway.config import Secret, settings

_DENY_KEY_REQUESTS = 0x50
"""EZSP decision: devices that ask the trust centre for keys get none; Smart Energy establishes them by certificate."""

_TRANSIENT_KEY_S = 300
"""How long the co-processor keeps an install code's key by itself."""


@settings
class ZigBeeSettings:
    """One radio: a network co-processor that speaks EZSP."""

    radio: Annotated[
        str,
        Field(
            pattern=r"^(socket://[^/:]+:[0-9]{1,5}|/.+)$",
            description="The co-processor: socket://host:port or /dev/serial/by-id/...",
        ),
    ]
    baudrate: Annotated[int, Field(gt=0, description="Speed of a serial radio in bits per second.")] = 115200
    flow_control: Annotated[
        Literal["software", "hardware"], Field(description="Flow control of a serial radio; see its firmware's notes.")
    ] = "software"
    database: Annotated[
        Path | None,
        Field(
            description="A file in which the network's nodes, and the backups of its keys, are kept from one start to "
            "the next. Without it every start finds its meters anew, and nothing is backed up."
        ),
    ] = None
    form: Annotated[
        bool, Field(description="Whether a co-processor without a network may form a new one (or restore a backup).")
    ] = False
    attempts: Annotated[
        int, Field(ge=1, le=8, description="How often a meter is asked before it counts as silent.")
    ] = 3
    attempt_timeout_s: Annotated[
        float, Field(gt=0, description="How long the first attempt waits for its answer; each further one twice that.")
    ] = 5.0
    concurrency: Annotated[
        int, Field(ge=1, le=64, description="How many meters are read at once; the radio sends one frame at a time.")
    ] = 8
    nameplate_s: Annotated[
        float,
        Field(
            ge=0,
            description="How long a meter's unit, multiplier and divisor are believed before they are read again. They "
            "can change under a firmware update, so an hourly read should always fetch them: keep it below 3600.",
        ),
    ] = 900.0
    watchdog_s: Annotated[
        float,
        Field(gt=0, description="How often the co-processor must show life; twice without, and the driver reconnects."),
    ] = 10.0
    start_timeout_s: Annotated[
        float, Field(gt=0, description="How long opening the radio may take; forming a network takes ten seconds.")
    ] = 60.0
    certificates: Annotated[
        tuple[Path, ...],
        Field(
            description="Files with our certificates for key establishment, one for each cipher suite, as authorities "
            "hand them out. With these and vault_key the driver forms a home area network; without, nobody joins."
        ),
    ] = ()
    vault_key: Annotated[
        Secret | None,
        Field(
            description="The key of the vault, a file beside the database in which the devices' link keys are kept: 64 "
            "hexadecimal digits, as `openssl rand -hex 32` prints them. Whoever loses it joins all devices anew."
        ),
    ] = None
    announce_s: Annotated[
        float, Field(gt=0, description="How long a device that was sent the network key may take to announce itself.")
    ] = 10.0
    key_begin_s: Annotated[
        float, Field(gt=0, description="How long a device that has joined may take to begin establishing its key.")
    ] = 60.0
    key_switch_s: Annotated[
        float,
        Field(
            gt=0,
            description="How long a new network key is handed out before all switch to it; devices that sleep through "
            "it come back by their own keys.",
        ),
    ] = 30.0
    rotate_days: Annotated[
        int,
        Field(
            ge=0,
            description="After how many days the network key is changed by itself, counted over restarts; 0 is never.",
        ),
    ] = 0


def for_zigpy(told: ZigBeeSettings) -> dict[str, Any]:
    """The settings as zigpy and bellows take them, with what does not suit a meter's network turned off."""
    return {
        zigpy_config.CONF_DEVICE: {
            zigpy_config.CONF_DEVICE_PATH: told.radio,
            zigpy_config.CONF_DEVICE_BAUDRATE: told.baudrate,
            zigpy_config.CONF_DEVICE_FLOW_CONTROL: told.flow_control,
        },
        zigpy_config.CONF_DATABASE: None if told.database is None else str(told.database),
        zigpy_config.CONF_NWK_BACKUP_ENABLED: told.database is not None,
        zigpy_config.CONF_TOPO_SCAN_ENABLED: False,
        zigpy_config.CONF_OTA: {zigpy_config.CONF_OTA_ENABLED: False, zigpy_config.CONF_OTA_PROVIDERS: []},
        # The driver bounds its reads itself; zigpy shares its number out among priorities and wants a multiple of four.
        zigpy_config.CONF_MAX_CONCURRENT_REQUESTS: 4 * told.concurrency + 4,
        "use_thread": False,
        # An install code's key must outlive the longest window, and not much more.
        # Smart Energy acknowledges every fragment by itself.
        "ezsp_config": {"CONFIG_TRANSIENT_KEY_TIMEOUT_S": _TRANSIENT_KEY_S, "CONFIG_FRAGMENT_WINDOW_SIZE": 1},
        "ezsp_policies": {"TRUST_CENTER_POLICY": int(CLOSED), "TC_KEY_REQUEST_POLICY": _DENY_KEY_REQUESTS},
    }
