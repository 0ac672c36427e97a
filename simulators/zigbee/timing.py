"""How long everything takes in a simulated network, as one options value: at once, or as in the field."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Spans in seconds of the network's clock.

    A device scans every scan_every_s for search_s, waits authentication_s for the network key, and tries attempts
    times, retry_s apart; so it does with rejoins, for which it looks lost_s long for a network that is down.
    A sleepy one asks for what waits for it every poll_s (0: it always listens).
    ephemeral_s and confirm_s are what it computes in key establishment (it always tells the field's 11 and 16), which
    it tries key_attempts times, key_retry_s apart.
    Every keep_alive_s it looks for the trust centre, which is lost after missed times.
    The trust centre lets key_switch_s pass between a new network key and its use.
    baud is the rate of the line between co-processor and host, None has no limit.
    """

    scan_every_s: float = 5.0
    search_s: float = 180.0
    lost_s: float = 86_400.0
    poll_s: float = 4.0
    authentication_s: float = 5.0
    retry_s: float = 10.0
    attempts: int = 3
    ephemeral_s: float = 11.0
    confirm_s: float = 16.0
    key_attempts: int = 3
    key_retry_s: float = 30.0
    keep_alive_s: float = 600.0
    missed: int = 3
    key_switch_s: float = 9.0
    baud: int | None = 115_200


REALISTIC = Timing()
"""As devices on the market take their time."""
INSTANT = Timing(
    scan_every_s=0.25,
    authentication_s=0.25,
    retry_s=0.25,
    ephemeral_s=0.0,
    confirm_s=0.0,
    key_retry_s=0.25,
    key_switch_s=0.0,
    poll_s=0.0,
    baud=None,
)
"""Nothing takes time that need not; what was refused is tried again in a moment."""
