"""Signing what webhooks are told (pure), by the published convention Standard Webhooks 1.0.

The signed words are `{id}.{timestamp}.{body}`; a signature is `v1,` and the base64 of their HMAC-SHA256 under the
secret's bytes. While a secret is rotated there are two signatures, and one that is right is enough.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime

MARK = "whsec_"
SECRET_BYTES = 32


def secret_text(secret: bytes) -> str:
    """A secret as its receiver keeps it."""
    return MARK + base64.b64encode(secret).decode()


def signature(secret: bytes, event_id: str, timestamp: int, body: bytes) -> str:
    """One signature of a body; timestamp is the try's, in seconds since 1970."""
    signed = b".".join((event_id.encode(), str(timestamp).encode(), body))
    return "v1," + base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()


def signed_headers(secrets: Iterable[bytes], event_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The three headers of a try."""
    timestamp = int(at.timestamp())
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signature(secret, event_id, timestamp, body) for secret in secrets),
    }
