"""The network key's change: handed out, switched to, and recognised by its sequence number if it is asked for again.

Before the first broadcast the vault notes for whom the key is changed and the sequence number that it had. Whatever
interrupts the change, the same request finds the note: another number in the co-processor now means that it happened.

Source: ZigBee specification, section 4.6.3.4 (network key update); Silicon Labs UG100 (EZSP).
"""

from datetime import timedelta

from drivers.zigbee.application import SmartEnergyApplication
from drivers.zigbee.vault import Vault
from gateway.clock import Clock
from gateway.dice import Dice
from gateway.han.words import Cause, HanFault

KEY_OCTETS = 16


class Rotation:
    """One network's key over all connections; one change at a time, which the caller sees to."""

    def __init__(self, vault: Vault, clock: Clock, dice: Dice, key_switch_s: float) -> None:
        self._vault, self._clock, self._dice, self._key_switch_s = vault, clock, dice, key_switch_s

    @property
    def patience_s(self) -> float:
        """How long a change may take that nobody waits for."""
        return 2 * self._key_switch_s + 60.0

    async def change(self, app: SmartEnergyApplication, name: str, timeout_s: float) -> int:
        """Change the key under a name, once; returns its sequence number. Raises HanFault, and as the trust centre.

        Whoever sleeps through both broadcasts comes back by an unsecured rejoin, which its established key permits.
        """
        before = await _sequence(app)
        noted = self._vault.key_change()
        if noted is None or noted.name != name or (not noted.done and noted.sequence == before):
            self._vault.begin_key_change(name, before)
            await self._hand_out(app, timeout_s)
        await app.backups.create_backup(load_devices=True)
        self._vault.end_key_change(name, self._clock.now())
        return _told(app)

    async def _hand_out(self, app: SmartEnergyApplication, timeout_s: float) -> None:
        key = self._dice.secret(KEY_OCTETS)
        await app.trust_centre.hand_out_network_key(key)
        await self._clock.sleep(min(self._key_switch_s, timeout_s / 2))
        await app.trust_centre.switch_network_key()
        await app.load_network_info(load_devices=False)
        if app.state.network_info.network_key.key.serialize() != key:
            raise HanFault(Cause.REFUSED_BY_DEVICE, "the co-processor still uses another network key")

    def due(self, days: int) -> str | None:
        """The name of the change that is due by itself, None if none is; the count begins when it is first asked for.

        The name holds the instant of the change before, so that one that was interrupted is recognised as any other.
        """
        changed_at = self._vault.key_changed_at(self._clock.now())
        return f"due since {changed_at.isoformat()}" if self._clock.now() >= changed_at + timedelta(days=days) else None


async def _sequence(app: SmartEnergyApplication) -> int:
    """The sequence number of the key that the co-processor uses at this moment."""
    await app.load_network_info(load_devices=False)
    return _told(app)


def _told(app: SmartEnergyApplication) -> int:
    return int(app.state.network_info.network_key.seq)
