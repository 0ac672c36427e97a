"""The portal's own key: it seals the secrets of second factors at rest, and keeps from guessers what must look alike.

A sealed value opens only under the name that it was sealed for, so that a row's secret is of no use in another row.
"""

import hashlib
import hmac
import os
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy.engine import make_url

from gateway.dice import Dice
from gateway.errors import BadConfig
from portal.settings import PortalSettings, url_of

NONCE_BYTES = 12
KEY_BYTES = 32
SUFFIX = ".secrets-key"


class Vault:
    """Seals with AES-256-GCM under a key that follows from the portal's secret."""

    def __init__(self, secret: bytes, dice: Dice) -> None:
        self._cipher = AESGCM(hmac.new(secret, b"metergate/seal", hashlib.sha256).digest())
        self._dice = dice
        self.guise = hmac.new(secret, b"metergate/guise", hashlib.sha256).digest()
        """The key for what must look alike to outsiders (portal/accounts/security_questions.py)."""

    def seal(self, plain: bytes, name: str) -> bytes:
        """A value that only `open` with the same name gives back."""
        nonce = self._dice.secret(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plain, name.encode())

    def open(self, sealed: bytes, name: str) -> bytes:
        """What was sealed under a name. Raises BadConfig if the key is another one, or the value is not this row's."""
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], name.encode())
        except InvalidTag:
            raise BadConfig("portal.secrets_key is not the key under which secrets were sealed") from None


def secret_of(settings: PortalSettings, dice: Dice) -> bytes:
    """The secret that the configuration names, or one in a file beside a SQLite database, made at the first start.

    Raises BadConfig for PostgreSQL without one: its database is elsewhere, and so must nothing beside it be taken for
    safe.
    """
    if settings.secrets_key is not None:
        return settings.secrets_key.reveal().encode()
    url = make_url(url_of(settings.database))
    if url.drivername != "sqlite" or not url.database:
        raise BadConfig("portal.secrets_key is needed with PostgreSQL: a file or variable with at least 32 characters")
    path = Path(url.database + SUFFIX)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        made = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _kept(path)
    with os.fdopen(made, "wb") as file:
        secret = dice.secret(KEY_BYTES).hex().encode()
        file.write(secret)
    return secret


def _kept(path: Path) -> bytes:
    secret = path.read_bytes().strip()
    if len(secret) < KEY_BYTES:
        raise BadConfig(f"{path} does not hold a key; it seals second factors, so restore it from your backup")
    return secret
