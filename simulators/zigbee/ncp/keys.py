"""The co-processor's security manager: the network key, link keys in a table of limited size, transient keys.

Source: Silicon Labs AN1233 and the security manager's part of UG100.
"""

from simulators.zigbee.ezsp import Fields, Status
from simulators.zigbee.ncp.memory import LinkKey, Memory
from simulators.zigbee.ncp.settings import Answer

_NETWORK, _TC_LINK = 1, 2
_NO_KEY = bytes(16)
_NO_INFO: Fields = {"bitmask": 0, "outgoing": 0, "incoming": 0, "ttl_s": 0}
_AUTHORISED = 0x0002 | 0x0004 | 0x0008 | 0x0010
"""Key info bits: has outgoing and incoming counters and a partner, and is authorised."""
NONE = 0xFF
MOST_TRANSIENT = 5


class Keys:
    """Keys by partner; size is how many link keys the firmware has room for."""

    def __init__(self, memory: Memory, size: int) -> None:
        self._memory = memory
        self._size = size
        self._slots = {key.eui64: index for index, key in memory.link_keys.items()}
        self.transient: dict[int, bytes] = {}
        self.answers: dict[str, Answer] = {
            "exportKey": self._export,
            "getNetworkKeyInfo": self._network_key_info,
            "importLinkKey": self._import,
            "exportLinkKeyByIndex": self._export_by_index,
            "exportLinkKeyByEui": self._export_by_eui64,
            "getApsKeyInfo": self._info,
            "importTransientKey": self._import_transient,
            "clearTransientLinkKeys": self._clear_transient,
            "findKeyTableEntry": lambda fields: {"index": self._index_of(fields["address"])},
            "eraseKeyTableEntry": self._erase,
            "clearKeyTable": self._clear,
        }

    def reset(self) -> None:
        """Transient keys do not outlive a reset."""
        self.transient.clear()

    def shared_with(self, eui64: int) -> bytes | None:
        """The authorised link key of a partner, None if there is none."""
        index = self._slots.get(eui64)
        return None if index is None else self._memory.link_keys[index].key

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
            key = {_NETWORK: network.network_key, _TC_LINK: network.link_key}.get(context["core"])
        status = Status.NOT_FOUND if key is None else Status.OK
        return {"status": status, "key": key or _NO_KEY, "context": context}

    def _network_key_info(self, fields: Fields) -> Fields:
        network = self._memory.network
        info = {
            "set": network is not None,
            "alternate_set": False,
            "sequence": network.network_key_sequence if network else 0,
            "alternate_sequence": 0,
            "counter": network.frame_counter if network else 0,
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
        context = {"core": 4, "index": index, "derived": 0, "network_index": 0, "flags": 3, "algorithm": 0}
        return {
            "status": otherwise if key is None else Status.OK,
            "context": {**context, "eui64": key.eui64 if key else 0},
            "eui64": key.eui64 if key else 0,
            "index": index,
            "key": key.key if key else _NO_KEY,
            "info": _key_info(key),
        }

    def _info(self, fields: Fields) -> Fields:
        context = fields["context"]
        by_eui64 = context["flags"] & 2
        key = self._memory.link_keys.get(self._index_of(context["eui64"]) if by_eui64 else context["index"])
        return {
            "status": Status.NOT_FOUND if key is None else Status.OK,
            "eui64": key.eui64 if key else 0,
            "info": _key_info(key),
            "context": context,
        }

    def _import_transient(self, fields: Fields) -> Fields:
        eui64 = fields["eui64"]
        if eui64 not in self.transient and len(self.transient) >= MOST_TRANSIENT:
            return {"status": Status.TABLE_FULL}
        self.transient[eui64] = fields["key"]
        return {"status": Status.OK}

    def _clear_transient(self, fields: Fields) -> Fields:
        self.transient.clear()
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


def _key_info(key: LinkKey | None) -> Fields:
    if key is None:
        return _NO_INFO
    return {"bitmask": _AUTHORISED, "outgoing": key.outgoing, "incoming": key.incoming, "ttl_s": 0}
