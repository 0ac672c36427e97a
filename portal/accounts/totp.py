"""Codes of an authenticator app (pure; RFC 6238 with 30 s, six digits, SHA-1, which all apps know)."""

import hmac
from datetime import datetime

import pyotp

STEP_S = 30
DRIFT = 1
"""A code of the step before or after is taken too: phones' clocks are off, and people type slowly."""
SECRET_BYTES = 20


def step_of(secret: str, code: str, now: datetime, used: int | None) -> int | None:
    """The step whose code was given; None if it is wrong, or not later than the last one that was used (RFC 6238 5.2).

    secret is base32; used is the step of the last code that was taken, so that none is taken twice.
    """
    typed = code.replace(" ", "")
    if not (typed.isascii() and typed.isdigit()):
        return None
    current = int(now.timestamp()) // STEP_S
    codes = pyotp.TOTP(secret)
    right = None
    for step in range(current - DRIFT, current + DRIFT + 1):
        is_right = hmac.compare_digest(codes.generate_otp(step), typed)
        if is_right and (used is None or step > used):
            right = step
    return right


def address_of(secret: str, user_id: str) -> str:
    """The otpauth address that an app takes, as a link or a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=user_id, issuer_name="metergate")
