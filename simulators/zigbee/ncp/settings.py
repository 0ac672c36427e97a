"""The co-processor's knobs and small tables: configuration, values, policies, tokens, counters, addresses."""

from collections.abc import Callable

from simulators.zigbee.ezsp import Fields, Status
from simulators.zigbee.ezsp_frames import STACK_VERSIONS
from simulators.zigbee.ncp.memory import Memory
from simulators.zigbee.ncp.sizes import Sizes
from simulators.zigbee.octets import unsigned

Answer = Callable[[Fields], Fields]

KEY_TABLE_SIZE, ADDRESS_TABLE_SIZE, MULTICAST_TABLE_SIZE, UNICASTS = 0x1E, 0x05, 0x06, 0x03
CHILDREN, ZDO_FLAGS, TRANSIENT_KEY_TIMEOUT = 0x11, 0x2A, 0x36
TRUST_CENTRE_POLICY = 0x00
_CONFIGURATION = {
    0x01: 64,  # packet buffers
    0x02: 16,  # neighbours
    UNICASTS: 20,  # APS unicasts under way
    0x04: 32,  # bindings
    ADDRESS_TABLE_SIZE: 16,
    MULTICAST_TABLE_SIZE: 16,
    0x07: 16,  # routes
    0x08: 8,  # route discoveries
    0x0C: 2,  # stack profile: ZigBee PRO
    0x0D: 5,  # security level: AES-CCM with a MIC of 4 bytes
    0x10: 30,  # hops
    CHILDREN: 32,  # end device children
    0x12: 3000,  # indirect transmission time-out, ms
    0x13: 8,  # end device poll time-out
    0x17: 0,  # transmit power mode
    0x18: 0,  # relaying is not disabled
    0x19: 2,  # trust centre's address cache
    0x1A: 200,  # source routes
    0x1C: 1,  # fragmentation window
    0x1D: 0,  # fragmentation delay, ms
    KEY_TABLE_SIZE: 12,
    0x1F: 1600,  # APS acknowledgement time-out, ms
    0x20: 3,  # active scan duration
    0x22: 2,  # PAN id conflicts before a report
    0x24: 0,  # key request time-out, min
    ZDO_FLAGS: 0,  # ZDO requests that the host receives
    0x2B: 15,  # broadcasts
    0x2C: 0,  # MAC filters
    0x2D: 1,  # networks
    0x2E: 0,  # multicasts to sleepy devices
    0x34: 0,  # retry queue
    0x35: 2,  # free broadcast entries
    TRANSIENT_KEY_TIMEOUT: 300,  # transient key time-out, s
    0x38: 90,  # rejoins with the well-known key, s
    0x41: 5,  # Green Power proxies
    0x42: 0,  # Green Power sinks
}
MOST_INDEXED = 255
"""Link keys that a host can name by an index of one byte; the rest of a lifted table is not for it to see."""
_FIXED = frozenset((KEY_TABLE_SIZE,))
"""Sizes that the firmware was built with; today's cannot change them."""
_COUNTERS = 41
_VERSION_INFO, _FREE_BUFFERS = 0x11, 0x03
_VALUES = {
    _FREE_BUFFERS: b"\xf0",
    0x04: b"\x00",
    0x07: b"\x01",
    0x0A: b"\x01\x00",
    0x23: b"\0\0\0\0",
    0x24: b"\0\0\0\0",
}
_VALUES |= {0x3A: b"\x00", 0x3B: unsigned(300, 2), 0x45: b"\x00", 0x05: b"\x52\x00", 0x06: b"\x52\x00"}
_TOKEN_SIZES = {0x00: 2, 0x01: 16, 0x02: 16, 0x03: 2, 0x04: 2, 0x05: 16, 0x06: 40, 0x0A: 20, 0x0C: 8, 0x0D: 2}


class Settings:
    """What a host sets and asks; it lasts until the next reset, tokens for ever."""

    def __init__(self, memory: Memory, version: int, sizes: Sizes) -> None:
        self._memory, self._sizes = memory, sizes
        self._stack = STACK_VERSIONS[version]
        self.reset()
        self.answers: dict[str, Answer] = {
            "getConfigurationValue": self._get_configuration,
            "setConfigurationValue": self._set_configuration,
            "getValue": self._get_value,
            "setValue": self._set_value,
            "getExtendedValue": lambda fields: _valued(b"\x01\x00" if fields["value_id"] == 0 else None),
            "setPolicy": self._set_policy,
            "getPolicy": self._get_policy,
            "getMfgToken": lambda fields: {"value": b"\xff" * _TOKEN_SIZES.get(fields["token"], 0)},
            "setMfgToken": lambda _: {"status": Status.INVALID_CALL},
            "getTokenData": self._get_token,
            "setTokenData": self._set_token,
            "readCounters": lambda _: {"values": self._counted()},
            "readAndClearCounters": self._read_and_clear,
            "setConcentrator": _done,
            "setSourceRouteDiscoveryMode": lambda _: {"remaining_ms": 0},
            "setSourceRoute": _done,
            "setManufacturerCode": self._set_manufacturer,
            "setPowerDescriptor": _done,
            "setRadioPower": _done,
            "gpSinkTableClearAll": _done,
            "getMulticastTableEntry": self._get_multicast,
            "setMulticastTableEntry": self._set_multicast,
            "customFrame": lambda _: {"status": Status.INVALID_CALL, "reply": b""},
            "echo": lambda fields: fields,
            "nop": _done,
        }

    def reset(self) -> None:
        """Everything as after power-on."""
        self.configuration = {
            **_CONFIGURATION,
            KEY_TABLE_SIZE: min(self._sizes.link_keys, MOST_INDEXED),
            ADDRESS_TABLE_SIZE: self._sizes.addresses,
            CHILDREN: self._sizes.children,
        }
        self.values = dict(_VALUES)
        self.policies: dict[int, int] = {}
        self.counters = [0] * _COUNTERS
        self.multicast: dict[int, Fields] = {}
        self.manufacturer = 0x1049
        self.locked = False

    def count(self, counter: int) -> None:
        """One more of what a counter counts (EmberCounterType)."""
        self.counters[counter] = (self.counters[counter] + 1) % 0x10000

    def _get_configuration(self, fields: Fields) -> Fields:
        value = self.configuration.get(fields["config"])
        return {"status": Status.NOT_FOUND if value is None else Status.OK, "value": value or 0}

    def _set_configuration(self, fields: Fields) -> Fields:
        """Sizes are set before the network is up, or not at all."""
        config, value = fields["config"], fields["value"]
        if config not in self.configuration:
            return {"status": Status.NOT_FOUND}
        if self.locked:
            return {"status": Status.INVALID_CALL}
        if config in _FIXED and value > self.configuration[config]:
            return {"status": Status.TABLE_FULL}
        if config not in _FIXED:
            self.configuration[config] = value
        return {"status": Status.OK}

    def _get_value(self, fields: Fields) -> Fields:
        if fields["value_id"] == _VERSION_INFO:
            major, minor, patch = self._stack >> 12, self._stack >> 8 & 15, self._stack >> 4 & 15
            return _valued(b"\x00\x00" + bytes((major, minor, patch, 0, 0xAA)))
        return _valued(self.values.get(fields["value_id"]))

    def _set_value(self, fields: Fields) -> Fields:
        """A value keeps its size."""
        if fields["value_id"] not in self.values:
            return {"status": Status.NOT_FOUND}
        if len(fields["value"]) != len(self.values[fields["value_id"]]):
            return {"status": Status.INVALID_VALUE}
        self.values[fields["value_id"]] = fields["value"]
        return {"status": Status.OK}

    def _set_policy(self, fields: Fields) -> Fields:
        self.policies[fields["policy"]] = fields["decision"]
        return {"status": Status.OK}

    def _get_policy(self, fields: Fields) -> Fields:
        return {"status": Status.OK, "decision": self.policies.get(fields["policy"], 0)}

    def _get_token(self, fields: Fields) -> Fields:
        value = self._memory.tokens.get(fields["token"]) if fields["index"] == 0 else None
        return {"status": Status.NOT_FOUND if value is None else Status.OK, "value": value}

    def _set_token(self, fields: Fields) -> Fields:
        """Only tokens that this stack has can be written."""
        if fields["token"] not in self._memory.tokens or fields["index"] != 0:
            return {"status": Status.NOT_FOUND}
        self._memory.tokens[fields["token"]] = fields["value"]
        self._memory.save()
        return {"status": Status.OK}

    def _counted(self) -> bytes:
        return b"".join(unsigned(value, 2) for value in self.counters)

    def _read_and_clear(self, fields: Fields) -> Fields:
        values, self.counters = self._counted(), [0] * _COUNTERS
        return {"values": values}

    def _set_manufacturer(self, fields: Fields) -> Fields:
        self.manufacturer = fields["code"]
        return {"status": Status.OK}

    def _get_multicast(self, fields: Fields) -> Fields:
        entry = self.multicast.get(fields["index"], {"group": 0, "endpoint": 0, "network_index": 0})
        known = fields["index"] < self.configuration[MULTICAST_TABLE_SIZE]
        return {"status": Status.OK if known else Status.INVALID_INDEX, "value": entry}

    def _set_multicast(self, fields: Fields) -> Fields:
        if fields["index"] >= self.configuration[MULTICAST_TABLE_SIZE]:
            return {"status": Status.INVALID_INDEX}
        self.multicast[fields["index"]] = fields["value"]
        return {"status": Status.OK}


def _done(fields: Fields) -> Fields:
    return {"status": Status.OK}


def _valued(value: bytes | None) -> Fields:
    return {"status": Status.NOT_FOUND if value is None else Status.OK, "value": value or b""}
