"""Link keys in two places: the vault, which is the record, and the co-processor's table, its copy.

A key is on the disk before the co-processor has it, so that whatever interrupts the two, the next start makes them
equal. A co-processor that replaces another is given all keys, and counts on from beyond what was last seen.
"""

import asyncio
import logging
from collections.abc import Collection

import zigpy.types as t
from zigpy.state import Key, NetworkInfo

from drivers.zigbee.addresses import ieee_of
from drivers.zigbee.cbke.exchange import KeyEstablished
from drivers.zigbee.trust_centre import StoredKey, TrustCentre
from drivers.zigbee.vault import KeptKey, Kind, Vault
from gateway.han.words import Cause, HanFault
from gateway.identifiers import Eui64

log = logging.getLogger(__name__)

MARGIN = 10_000
"""How far a replacement goes beyond the last frame counter that was seen: what may have been sent since."""

_LAST_COUNTER = 0xFFFFFFFF


class KeyKeeper:
    """The keys of one connection. All its coroutines raise HanFault, or what bellows raises."""

    def __init__(self, vault: Vault, trust_centre: TrustCentre) -> None:
        self._vault, self._trust_centre = vault, trust_centre
        self._before: dict[Eui64, KeptKey | None] = {}
        self._entry = asyncio.Lock()
        """Held while an entry of the co-processor's table is changed, so that the last change is the vault's state."""

    def is_established(self, device: Eui64) -> bool:
        """Whether a device has proved by certificate who it is."""
        kept = self._vault.get(device)
        return kept is not None and kept.kind is Kind.ESTABLISHED

    def holds(self, device: Eui64) -> bool:
        """Whether the vault has a key of a device."""
        return self._vault.get(device) is not None

    async def restore(self) -> None:
        """Make the co-processor's table equal to the vault; adopt keys that came into it by other ways.

        A key without a row, of a device that was joining or leaving, stays only until the device was sent away by it.
        """
        stored = {each.device: each for each in await self._trust_centre.keys()}
        unfinished = set(self._vault.unfinished())
        known = {kept.device for kept in self._vault.all()} | unfinished
        self._vault.put(
            *(
                KeptKey(device=each.device, kind=Kind.FOUND, suite=None, key=each.key)
                for each in stored.values()
                if each.device not in known
            )
        )
        for kept in self._vault.all():
            if kept.device not in stored or stored[kept.device].key != kept.key:
                await self._imported(kept)
        self._count(stored.values())
        await self.let_rejoin()

    async def keep(self, established: KeyEstablished) -> None:
        """Have a new key on disk and in the co-processor. Raises HanFault KEY_TABLE_FULL; the old key then stays."""
        device = established.partner
        before = self._before[device] = self._vault.get(device)
        suite = established.suite.bit
        self._vault.put(KeptKey(device=device, kind=Kind.ESTABLISHED, suite=suite, key=established.link_key))
        try:
            async with self._entry:
                await self._trust_centre.import_key(device, established.link_key)
        except BaseException:
            self._put_back(device, before)
            raise
        await self.let_rejoin()

    async def take_back(self, device: Eui64) -> None:
        """Return to the key from before the exchange that has just ended, if it gave one."""
        if device in self._before:
            self._put_back(device, self._before.pop(device))
            await self.settle(device)

    def confirm(self, device: Eui64) -> None:
        """Forget the key from before: the device begins anew, so it has the present one or none."""
        self._before.pop(device, None)

    async def settle(self, device: Eui64) -> None:
        """Make the co-processor's entry of a device equal to the vault's."""
        async with self._entry:
            kept = self._vault.get(device)
            if kept is None:
                await self._trust_centre.erase_key(device)
            else:
                await self._trust_centre.import_key(device, kept.key)
        await self.let_rejoin()

    async def let_rejoin(self) -> None:
        """Let registered devices come back, as long as there are any."""
        await self._trust_centre.allow_rejoins(any(kept.kind is Kind.ESTABLISHED for kept in self._vault.all()))

    async def has_room(self, device: Eui64) -> bool:
        """Whether the co-processor has room for a device's key."""
        others = sum(kept.device != device for kept in self._vault.all())
        return others < await self._trust_centre.table_size()

    async def save_counters(self) -> None:
        """Write down how far the frame counters have come."""
        self._count(await self._trust_centre.keys())

    def completed(self, network: NetworkInfo) -> NetworkInfo:
        """A network that is to be written to a co-processor, with our keys, and counters beyond the last known."""
        ours = self._vault.all()
        if not ours:
            return network
        known = {ieee_of(kept.device) for kept in ours}
        others = [key for key in network.key_table if key.partner_ieee not in known]
        link = network.tc_link_key
        counter = min(max(link.tx_counter, self._vault.tx_counter) + MARGIN, _LAST_COUNTER)
        return network.replace(
            key_table=[*others, *(_for_radio(kept, counter) for kept in ours)],
            tc_link_key=link.replace(tx_counter=_u32(counter)),
        )

    def _put_back(self, device: Eui64, before: KeptKey | None) -> None:
        if before is None:
            self._vault.forget(device)
        else:
            self._vault.put(before)

    async def _imported(self, kept: KeptKey) -> None:
        try:
            await self._trust_centre.import_key(kept.device, kept.key)
        except HanFault as fault:
            if fault.cause is not Cause.KEY_TABLE_FULL:
                raise
            log.error("the co-processor has no room for the key of %s, which it cannot serve", kept.device)

    def _count(self, stored: Collection[StoredKey]) -> None:
        furthest = max((each.tx_counter for each in stored), default=0)
        self._vault.count(furthest, {each.device: each.rx_counter for each in stored})


def _for_radio(kept: KeptKey, counter: int) -> Key:
    return Key(
        key=t.KeyData(kept.key.reveal()),
        tx_counter=_u32(counter),
        rx_counter=_u32(kept.rx_counter),
        partner_ieee=ieee_of(kept.device),
    )


def _u32(number: int) -> t.uint32_t:
    return t.uint32_t(number)  # type: ignore[no-untyped-call]  # zigpy's is unannotated
