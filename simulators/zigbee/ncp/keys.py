"""The co-processor's security manager: the network key, link keys in a table of limited size, transient keys.

Source: Silicon Labs AN1233 and the security manager's part of UG100.
"""

from dataclasses import dataclass

from gateway.clock import Clock
from simulators.zigbee.aps import LinkKey
from simulators.zigbee.ezsp import Fields, Status
from simulators.zigbee.ncp.memory import Memory
from simulators.zigbee.ncp.settings import TRANSIENT_KEY_TIMEOUT, Answer, Settings
from simulators.zigbee.ncp.sizes import Sizes

_NETWORK, _TC_LINK, _TRANSIENT_KIND, _LINK = 1, 2, 3, 4
_NO_KEY = bytes(16)
_NO_INFO: Fields = {"bitmask": 0, "outgoing": 0, "incoming": 0, "ttl_s": 0}
ANYBODY = 0xFFFFFFFFFFFFFFFF
"""The EUI-64 of a transient key with which whoever comes may join."""
_TRANSIENT = 0x0002 | 0x0004 | 0x0008
_AUTHORISED = 0x0002 | 0x0004 | 0x0008 | 0x0010
"""Key info bits: has outgoing and incoming counters and a partner, and is authorised."""
NONE = 0xFF


@dataclass(frozen=True, slots=True)
class Transient:
    """A key for somebody who is about to join, until an instant of the clock."""

    link: LinkKey
    until_s: float


class Keys:
    """Keys by partner, as many as the firmware has room for."""

    def __init__(self, memory: Memory, settings: Settings, clock: Clock, sizes: Sizes) -> None:
        self._memory, self._settings, self._clock, self._sizes = memory, settings, clock, sizes
        self._size = sizes.link_keys
        self._slots = {key.eui64: index for index, key in memory.link_keys.items()}
        self._transient: dict[int, Transient] = {}
        self.answers: dict[str, Answer] = {
            "exportKey": self._export,
            "getNetworkKeyInfo": self._network_key_info,
            "importLinkKey": self._import,
            "exportLinkKeyByIndex": self._export_by_index,
            "exportLinkKeyByEui": self._export_by_eui64,
            "getApsKeyInfo": self._info,
            "importTransientKey": self._import_transient,
            "exportTransientKeyByIndex": self._export_transient,
            "exportTransientKeyByEui": self._export_transient_of,
            "clearTransientLinkKeys": self._clear_transient,
            "findKeyTableEntry": lambda fields: {"index": self._index_of(fields["address"])},
            "eraseKeyTableEntry": self._erase,
            "clearKeyTable": self._clear,
        }

    def reset(self) -> None:
        """Transient keys do not outlive a reset."""
        self._transient.clear()

    @property
    def transient(self) -> dict[int, bytes]:
        """The transient keys that have not expired, by the EUI-64 that may use them."""
        return {eui64: key.link.key for eui64, key in self._waiting().items()}

    def is_awaited(self, eui64: int) -> bool:
        """Whether a transient key waits for a device, be it for it alone or for anybody."""
        return not self._waiting().keys().isdisjoint((eui64, ANYBODY))

    def authorised(self, eui64: int) -> LinkKey | None:
        """The link key of a partner in the key table."""
        index = self._slots.get(eui64)
        return None if index is None else self._memory.link_keys[index]

    def shared_with(self, eui64: int) -> LinkKey | None:
        """The link key that messages to a partner are encrypted with, None if there is none."""
        key = self.authorised(eui64)
        waiting = None if key is not None else self._waiting().get(eui64)
        return key if waiting is None else waiting.link

    def for_joining(self, eui64: int) -> bytes | None:
        """The key under which a device is sent the network key, if it was given one."""
        own = self.shared_with(eui64)
        return own.key if own is not None else self.transient.get(ANYBODY)

    def opening(self, eui64: int, key: bytes) -> LinkKey | None:
        """Our end of the key under which a partner sent something; None if we do not have it."""
        waiting = self._waiting().get(eui64)
        ends = (self.authorised(eui64), None if waiting is None else waiting.link)
        return next((end for end in ends if end is not None and end.key == key), None)

    def _waiting(self) -> dict[int, Transient]:
        """The transient keys of this moment."""
        if self._transient:
            now_s = self._clock.monotonic()
            self._transient = {eui64: key for eui64, key in self._transient.items() if now_s < key.until_s}
        return self._transient

    def _changed(self) -> None:
        self._slots = {key.eui64: index for index, key in self._memory.link_keys.items()}
        self._memory.save()

    def _index_of(self, eui64: int) -> int:
        """A partner's slot as a host may name it: slots from 255 on exist in the laboratory only, and not for it."""
        return min(self._slots.get(eui64, NONE), NONE)

    def _export(self, fields: Fields) -> Fields:
        context, network = fields["context"], self._memory.network
        key = None
        if network is not None:
            network_key = network.next_network_key if context["index"] else network.network_key
            key = {_NETWORK: network_key, _TC_LINK: network.link_key}.get(context["core"])
        status = Status.NOT_FOUND if key is None else Status.OK
        return {"status": status, "key": key or _NO_KEY, "context": context}

    def _network_key_info(self, fields: Fields) -> Fields:
        network = self._memory.network
        next_key = network.next_key if network else None
        info = {
            "set": network is not None,
            "alternate_set": next_key is not None,
            "sequence": network.network_key_sequence if network else 0,
            "alternate_sequence": next_key.sequence if next_key else 0,
            "counter": self._memory.nwk_counter,
        }
        return {"status": Status.OK, "info": info}

    def _import(self, fields: Fields) -> Fields:
        """Into a slot, or (index 255) into the partner's or the first free one."""
        index = fields["index"]
        if index == NONE:
            index = self._index_of(fields["eui64"])
        if index == NONE:
            index = next((slot for slot in range(self._size) if slot not in self._memory.link_keys), NONE)
            if index == NONE:
                return {"status": Status.TABLE_FULL}
        if index >= self._size:
            return {"status": Status.INVALID_INDEX}
        self._memory.link_keys[index] = LinkKey(eui64=fields["eui64"], key=fields["key"])
        self._changed()
        return {"status": Status.OK}

    def _export_by_index(self, fields: Fields) -> Fields:
        index = fields["index"]
        status = Status.NOT_FOUND if index < self._size else Status.INVALID_INDEX
        return self._exported(self._memory.link_keys.get(index), index, status)

    def _export_by_eui64(self, fields: Fields) -> Fields:
        index = self._index_of(fields["eui64"])
        return self._exported(self._memory.link_keys.get(index), index, Status.NOT_FOUND)

    def _exported(self, key: LinkKey | None, index: int, otherwise: Status) -> Fields:
        return self._described(key, index, otherwise, _LINK, self._key_info(key))

    def _described(self, key: LinkKey | None, index: int, otherwise: Status, kind: int, info: Fields) -> Fields:
        context = {"core": kind, "index": index, "derived": 0, "network_index": 0, "flags": 3, "algorithm": 0}
        return {
            "status": otherwise if key is None else Status.OK,
            "context": {**context, "eui64": key.eui64 if key else 0},
            "eui64": key.eui64 if key else 0,
            "index": index,
            "key": key.key if key else _NO_KEY,
            "info": info,
        }

    def _key_info(self, key: LinkKey | None) -> Fields:
        if key is None:
            return _NO_INFO
        outgoing = self._memory.aps_counter
        return {"bitmask": _AUTHORISED, "outgoing": outgoing, "incoming": key.incoming, "ttl_s": 0}

    def _export_transient(self, fields: Fields) -> Fields:
        index = fields["index"]
        waiting = list(self._waiting().values())
        return self._transient_at(waiting[index] if index < len(waiting) else None, index)

    def _export_transient_of(self, fields: Fields) -> Fields:
        return self._transient_at(self._waiting().get(fields["eui64"]), 0)

    def _transient_at(self, key: Transient | None, index: int) -> Fields:
        if key is None:
            return self._described(None, index, Status.NOT_FOUND, _TRANSIENT_KIND, _NO_INFO)
        left_s = max(0, int(key.until_s - self._clock.monotonic()))
        outgoing = self._memory.aps_counter
        info = {"bitmask": _TRANSIENT, "outgoing": outgoing, "incoming": key.link.incoming, "ttl_s": left_s}
        return self._described(key.link, index, Status.OK, _TRANSIENT_KIND, info)

    def _info(self, fields: Fields) -> Fields:
        context = fields["context"]
        by_eui64 = context["flags"] & 2
        key = self._memory.link_keys.get(self._index_of(context["eui64"]) if by_eui64 else context["index"])
        return {
            "status": Status.NOT_FOUND if key is None else Status.OK,
            "eui64": key.eui64 if key else 0,
            "info": self._key_info(key),
            "context": context,
        }

    def _import_transient(self, fields: Fields) -> Fields:
        eui64, waiting = fields["eui64"], self._waiting()
        if eui64 not in waiting and len(waiting) >= self._sizes.transient:
            return {"status": Status.TABLE_FULL}
        until_s = self._clock.monotonic() + self._settings.configuration[TRANSIENT_KEY_TIMEOUT]
        waiting[eui64] = Transient(LinkKey(eui64=eui64, key=fields["key"]), until_s)
        self._transient = waiting
        return {"status": Status.OK}

    def _clear_transient(self, fields: Fields) -> Fields:
        self._transient.clear()
        return {}

    def _erase(self, fields: Fields) -> Fields:
        if self._memory.link_keys.pop(fields["index"], None) is None:
            return {"status": Status.INVALID_INDEX}
        self._changed()
        return {"status": Status.OK}

    def _clear(self, fields: Fields) -> Fields:
        self._memory.link_keys.clear()
        self._changed()
        return {"status": Status.OK}
