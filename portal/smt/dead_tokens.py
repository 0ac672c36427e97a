"""Programs that repeat a dead token without a pause: a few honest answers, then one that makes them stop.

The best-known client never signs in again while its token should still live, and repeats the request thousands of
times a second. It stops at an answer that is not 401. Nothing here touches a database.
"""

from collections import OrderedDict

from gateway.clock import Clock

LONGEST_TOKEN = 200


class DeadTokens:
    """Tokens found dead, with how often they were refused since; the oldest are forgotten when there are too many."""

    def __init__(self, clock: Clock, *, budget: int = 10, window_s: float = 600.0, most: int = 4096) -> None:
        self._clock = clock
        self._budget = budget
        self._window_s = window_s
        self._most = most
        self._refused: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._refused)

    def __contains__(self, token: str) -> bool:
        """Whether a token was found dead within the window; later it is worth asking again, for companies return."""
        since, _ = self._refused.get(token, (-self._window_s, 0))
        return self._clock.monotonic() - since < self._window_s

    def refuse(self, token: str) -> float | None:
        """Note a refusal. None while the token's budget lasts, then the seconds until it is renewed."""
        now = self._clock.monotonic()
        since, count = self._refused.pop(token, (now, 0))
        if now - since >= self._window_s:
            since, count = now, 0
        self._refused[token] = (since, count + 1)
        if len(self._refused) > self._most:
            self._refused.popitem(last=False)
        return None if count < self._budget else self._window_s - (now - since)
