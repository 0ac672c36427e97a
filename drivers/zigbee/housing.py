"""How the settings become a home area network: certificates and vault, or none."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from drivers.zigbee.application import SmartEnergyApplication
from drivers.zigbee.cbke.certificates import BadCertificate, Identity
from drivers.zigbee.cbke.files import read
from drivers.zigbee.esi.notices import Notices
from drivers.zigbee.home import ZigBeeHome
from drivers.zigbee.joining import Patience
from drivers.zigbee.settings import ZigBeeSettings
from drivers.zigbee.vault import MasterKey, Vault
from gateway.clock import Clock
from gateway.config import Secret
from gateway.dice import Dice
from gateway.errors import BadConfig


def home_of(
    name: str,
    told: ZigBeeSettings,
    clock: Clock,
    dice: Dice,
    connection: Callable[[], Awaitable[SmartEnergyApplication]],
    notices: Notices,
) -> ZigBeeHome | None:
    """The home area network that the settings ask for, None if they name neither certificates nor the vault's key.

    Raises BadConfig for half of it, and for files that cannot be used.
    """
    if not told.certificates and told.vault_key is None:
        return None
    if not told.certificates or told.vault_key is None or told.database is None:
        raise BadConfig(f"{name}: a home area network needs certificates, vault_key and database, all three")
    identities = [_identity(path) for path in told.certificates]
    if len({each.certificate.suite.bit for each in identities}) < len(identities):
        raise BadConfig(f"{name}: certificates has two files for one cipher suite")
    vault = _vault(told.database, told.vault_key, dice)
    patience = Patience(announce_s=told.announce_s, key_begin_s=told.key_begin_s)
    return ZigBeeHome(
        name,
        vault,
        identities,
        clock,
        dice,
        connection=connection,
        patience=patience,
        key_switch_s=told.key_switch_s,
        rotate_days=told.rotate_days,
        notices=notices,
    )


def _vault(database: Path, key: Secret, dice: Dice) -> Vault:
    """The vault, beside the database."""
    return Vault(database.with_name(database.name + ".vault"), MasterKey.typed(key.reveal()), dice)


def _identity(path: Path) -> Identity:
    try:
        return read(path.read_text(encoding="ascii"))
    except (OSError, UnicodeDecodeError, BadCertificate) as error:
        raise BadConfig(f"certificate file {path} cannot be used: {error}") from None
