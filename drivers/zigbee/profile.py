"""The Smart Energy profile: its ids, our own endpoint on it, and which clusters must be encrypted end to end."""

PROFILE_ID = 0x0109
ENERGY_SERVICES_INTERFACE = 0x0500

ENDPOINT = 1
"""Our only endpoint: zigpy binds to number 1, and what it registers for homes has no place on a meter's network."""

BASIC, TIME, KEEP_ALIVE, METERING = 0x0000, 0x000A, 0x0025, 0x0702
PRICE, LOAD_CONTROL, MESSAGING = 0x0700, 0x0701, 0x0703

SERVED = frozenset({TIME, KEEP_ALIVE, PRICE, LOAD_CONTROL, MESSAGING})
"""The clusters of Smart Energy that our endpoint serves, beside Basic and Key Establishment."""

SECURED = frozenset(
    {TIME, KEEP_ALIVE, 0x0015, 0x0019, 0x0600, PRICE, LOAD_CONTROL, METERING, MESSAGING}
    | {0x0704, 0x0705, 0x0706, 0x0707, 0x0708, 0x0709, 0x070A, 0x070B}
)
"""Clusters whose unicasts are encrypted with the device's own link key (Smart Energy 1.4, section 5.4.6).

Time, Keep-Alive, Commissioning, OTA, Generic Tunnel, Price, Demand Response, Metering, Messaging, Tunneling,
Prepayment, Energy Management, Calendar, Device Management, Events, MDU Pairing and Sub-GHz. Basic, Identify, Alarms and
Key Establishment are not among them: they serve before there is such a key.
"""


def is_secured(profile: int | None, cluster: int) -> bool:
    """Whether the profile demands encryption with the link key for a cluster; the wildcard profile counts as ours."""
    return profile in (PROFILE_ID, 0xFFFF) and cluster in SECURED
