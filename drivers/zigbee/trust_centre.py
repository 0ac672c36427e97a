"""The co-processor's trust centre: who may join or rejoin, by which keys, and the network key itself.

Unsecured rejoins. A device that missed a network key can only ask for it in the clear (a trust-centre rejoin), and
EmberZNet's one bit, ALLOW_UNSECURED_REJOINS, is for all devices or none: with it, the network key is sent to whoever
asks, encrypted with the link key that the trust centre shares with the asker. For a device without a key of its own
that is a common one, or (as bellows forms networks) one derived from it and the device's address. If that common key is
a secret of the trust centre's, an intruder is sent what it cannot read; if it is the one that everybody knows, the
network is lost. So the bit is set while, and only while, some device has an established key and the common key is not
the well-known one; else devices that were left behind must be joined anew. The well-known key is also refused by its
own policy, and the answer to a denied rejoin is no better: a device tries so seldom that a window opened by its first
attempt would have passed at its second.
An install code's key counts for nothing here: it is erased when its join ends, and a device that is let back in
without an established key is removed at once (drivers.zigbee.home). Every policy that is set is read back.

Source: Silicon Labs UG100 (EZSP), AN1233; ZigBee Smart Energy 1.4, section 5.4.
"""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Any, Protocol

import bellows.types as ezsp_t  # type: ignore[import-untyped]  # bellows ships no types
import zigpy.types as t
from bellows.exception import ControllerError  # type: ignore[import-untyped]  # bellows ships no types

from drivers.zigbee.addresses import eui64_of, ieee_of
from gateway.han.words import Cause, HanFault
from gateway.identifiers import Eui64
from gateway.keys import LinkKey

CLOSED = int(ezsp_t.EzspDecisionBitmask.DEFAULT_CONFIGURATION)
"""The policy that lets nobody in: nobody joins, nobody rejoins without the network key."""

BY_INSTALL_CODE = int(ezsp_t.EzspDecisionBitmask.ALLOW_JOINS | ezsp_t.EzspDecisionBitmask.JOINS_USE_INSTALL_CODE_KEY)
"""The policy while one device is awaited: it joins by its own key or not at all."""

REJOINS = int(ezsp_t.EzspDecisionBitmask.ALLOW_UNSECURED_REJOINS)
"""The policy's bit for trust-centre rejoins."""

DENY_WELL_KNOWN_KEY = 0
"""The decision of TC_REJOINS_USING_WELL_KNOWN_KEY_POLICY that lets nobody rejoin by the key that everybody knows."""

WELL_KNOWN_KEY = b"ZigBeeAlliance09"
LONGEST_WINDOW_S = 254
_FIRST_FREE, _NOT_THERE = 0xFF, 0xFF
_MOST_KEYS = 256
_OK = ezsp_t.sl_Status.OK
_FULL = frozenset(
    {
        ezsp_t.sl_Status.FULL,
        ezsp_t.sl_Status.ALLOCATION_FAILED,
        ezsp_t.sl_Status.NO_MORE_RESOURCE,
        ezsp_t.EmberStatus.TABLE_FULL,
    }
)
"""How firmware says that there is no room for a key; the last is an old name that some still send."""


class Radio(Protocol):
    """What the trust centre needs of the application: the co-processor's commands, and one broadcast."""

    @property
    def ezsp(self) -> Any:
        """bellows' commands, by name."""
        ...

    def broadcast_permit(self, time_s: int) -> Awaitable[None]:
        """Tell all routers how long they may let devices associate."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredKey:
    """A link key in the co-processor's table, with the last frame counters of both sides."""

    device: Eui64
    key: LinkKey = field(repr=False)
    tx_counter: int
    rx_counter: int


class TrustCentre:
    """Commands of one connection. All raise what bellows raises when the co-processor is away."""

    def __init__(self, radio: Radio) -> None:
        self._radio = radio
        self._rest, self._is_open = CLOSED, False
        self._setting = asyncio.Lock()

    # Who may join

    async def allow_rejoins(self, allowed: bool) -> None:
        """Whether registered devices may come back without the network key; takes effect at once."""
        rest = REJOINS if allowed and await self._has_own_secret() else CLOSED
        if rest != self._rest:
            self._rest = rest
            await self._set_policy()

    async def deny_well_known_key(self) -> None:
        """Let nobody rejoin by the key that everybody knows."""
        policy = ezsp_t.EzspPolicyId.TC_REJOINS_USING_WELL_KNOWN_KEY_POLICY
        (status,) = await self._radio.ezsp.setPolicy(
            policyId=policy, decisionId=ezsp_t.EzspDecisionBitmask(DENY_WELL_KNOWN_KEY)
        )
        _require(status, "did not take the policy for rejoins")

    async def open(self, window_s: int) -> None:
        """Let the device with an install code's key join for 1 to 254 seconds."""
        if not 0 < window_s <= LONGEST_WINDOW_S:
            raise ControllerError(f"a joining window of {window_s} s is not within 1 to {LONGEST_WINDOW_S}")
        self._is_open = True
        await self._set_policy()
        await self._permit(window_s)

    async def close(self) -> None:
        """Let nobody join; the policy is read back."""
        self._is_open = False
        await self._set_policy()
        await self._permit(0)

    async def _set_policy(self) -> None:
        """Set the policy that is due and believe it only when it reads back."""
        policy = ezsp_t.EzspPolicyId.TRUST_CENTER_POLICY
        async with self._setting:
            decision = self._rest | (BY_INSTALL_CODE if self._is_open else 0)
            (status,) = await self._radio.ezsp.setPolicy(
                policyId=policy, decisionId=ezsp_t.EzspDecisionBitmask(decision)
            )
            _require(status, "did not take the trust centre's policy")
            status, told = await self._radio.ezsp.getPolicy(policyId=policy)
            _require(status, "does not tell the trust centre's policy")
        if int(told) != decision:
            raise ControllerError(f"the trust centre's policy reads back 0x{int(told):02x}, not 0x{decision:02x}")

    async def _permit(self, time_s: int) -> None:
        await self._radio.broadcast_permit(time_s)
        (status,) = await self._radio.ezsp.permitJoining(duration=time_s)
        _require(status, "did not change whether devices may associate")

    async def _has_own_secret(self) -> bool:
        common = await self._radio.ezsp.get_tc_link_key()
        return bool(common.key.serialize() != WELL_KNOWN_KEY)

    # Keys

    async def expect(self, device: Eui64, key: LinkKey) -> None:
        """Install a device's install-code key for its join. Raises HanFault KEY_TABLE_FULL if there is no room."""
        status = await self._radio.ezsp.add_transient_link_key(ieee_of(device), t.KeyData(key.reveal()))
        _require_room(status, "the co-processor has no room for another device that is awaited")

    async def expect_nobody(self) -> None:
        """Erase all install-code keys."""
        await self._radio.ezsp.clearTransientLinkKeys()

    async def import_key(self, device: Eui64, key: LinkKey) -> None:
        """Put a device's link key into the table, in place of its earlier one.

        Raises HanFault KEY_TABLE_FULL if there is no room.
        """
        (index,) = await self._radio.ezsp.findKeyTableEntry(address=ieee_of(device), linkKey=True)
        (status,) = await self._radio.ezsp.importLinkKey(
            index=_FIRST_FREE if index == _NOT_THERE else index, address=ieee_of(device), key=t.KeyData(key.reveal())
        )
        _require_room(status, "the co-processor's table of link keys is full")

    async def erase_key(self, device: Eui64) -> None:
        """Take a device's link key out of the table, if it is there."""
        (index,) = await self._radio.ezsp.findKeyTableEntry(address=ieee_of(device), linkKey=True)
        if index != _NOT_THERE:
            (status,) = await self._radio.ezsp.eraseKeyTableEntry(index=index)
            _require(status, "did not erase a link key")

    async def table_size(self) -> int:
        """How many link keys the co-processor has room for."""
        status, size = await self._radio.ezsp.getConfigurationValue(configId=ezsp_t.EzspConfigId.CONFIG_KEY_TABLE_SIZE)
        _require(status, "does not tell the size of its key table")
        return int(size)

    async def keys(self) -> list[StoredKey]:
        """The table of link keys. Up to EZSP 13 the status comes last, later first; bellows knows only the former."""
        ezsp, found = self._radio.ezsp, []
        for index in range(min(await self.table_size(), _MOST_KEYS)):
            answer = await ezsp.exportLinkKeyByIndex(index=index)
            if ezsp.ezsp_version >= 14:
                status, context, key, counters = answer
                partner = context.eui64
            else:
                partner, key, counters, status = answer
            if _normal(status) == _OK:
                found.append(
                    StoredKey(
                        device=eui64_of(partner),
                        key=LinkKey(key.serialize()),
                        tx_counter=int(counters.outgoing_frame_counter),
                        rx_counter=int(counters.incoming_frame_counter),
                    )
                )
        return found

    # Devices and the network key

    async def expel(self, device: Eui64, nwk: int) -> None:
        """Tell the stack that a device is no longer wanted: it and its parent are told by the trust centre's word."""
        ieee = ieee_of(device)
        await self._radio.ezsp.removeDevice(destShort=nwk, destLong=ieee, targetLong=ieee)

    async def hand_out_network_key(self, key: bytes) -> None:
        """Send the next network key to all; the present one stays in use."""
        (status,) = await self._radio.ezsp.broadcastNextNetworkKey(key=t.KeyData(key))
        _require(status, "did not hand out the next network key")

    async def switch_network_key(self) -> None:
        """Have everybody use the key that was handed out last."""
        (status,) = await self._radio.ezsp.broadcastNetworkKeySwitch()
        _require(status, "did not switch to the next network key")


def _normal(status: Any) -> Any:
    return ezsp_t.sl_Status.from_ember_status(status)


def _require(status: Any, otherwise: str) -> None:
    if _normal(status) != _OK:
        raise ControllerError(f"the co-processor {otherwise}")


def _require_room(status: Any, otherwise: str) -> None:
    if _normal(status) in _FULL:
        raise HanFault(Cause.KEY_TABLE_FULL, otherwise)
    _require(status, "did not take a device's key")
