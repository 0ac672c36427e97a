"""The co-processor's network: formed, resumed, left, scanned for, described."""

from collections.abc import Callable

from simulators.zigbee.ezsp import Fields, Status
from simulators.zigbee.ncp.memory import GLOBAL_LINK_KEY, HASHED_LINK_KEY, HAVE_LINK_KEY, Memory, Network
from simulators.zigbee.ncp.settings import Answer, Settings
from simulators.zigbee.radio import Radio

Emit = Callable[[str, Fields], None]

_NO_NETWORK, _JOINED = 0, 2
_COORDINATOR = 1
_HAVE_PRECONFIGURED_KEY, _HAVE_NETWORK_KEY = 0x0100, 0x0200
_NWK_FRAME_COUNTER, _APS_FRAME_COUNTER = 0x23, 0x24


class NetworkControl:
    """The coordinator's life; up says whether the network runs now."""

    def __init__(self, memory: Memory, settings: Settings, radio: Radio, emit: Emit) -> None:
        self._memory, self._settings, self._radio, self._emit = memory, settings, radio, emit
        self.reset()
        self.formed = 0
        self.answers: dict[str, Answer] = {
            "networkInit": self._init,
            "networkState": lambda _: {"state": _JOINED if self.up else _NO_NETWORK},
            "setInitialSecurityState": self._set_security,
            "getCurrentSecurityState": self._security,
            "formNetwork": self._form,
            "leaveNetwork": self._leave,
            "tokenFactoryReset": self._forget,
            "getEui64": lambda _: {"eui64": memory.eui64},
            "getNodeId": lambda _: {"nwk": 0x0000 if self.up else 0xFFFE},
            "getNetworkParameters": self._parameters,
            "startScan": self._scan,
            "stopScan": lambda _: {"status": Status.OK},
        }

    def reset(self) -> None:
        """Nothing runs after a reset."""
        self.up = False
        self._running: Network | None = None
        self._security_state: Fields | None = None

    def _init(self, fields: Fields) -> Fields:
        network = self._memory.network
        if network is None:
            return {"status": Status.NOT_JOINED}
        if self.up:
            return {"status": Status.INVALID_CALL}
        self._memory.restart()
        self._start(network)
        return {"status": Status.OK}

    @property
    def running(self) -> Network | None:
        """The network that runs now."""
        return self._running

    def change(self, network: Network) -> None:
        """Go on with other keys."""
        self._memory.network = self._running = network
        self._memory.save()

    def _start(self, network: Network) -> None:
        self.change(network)
        self.up = self._settings.locked = True
        self._radio.founded(network.key)
        self._emit("stackStatusHandler", {"status": Status.NETWORK_UP})

    def _set_security(self, fields: Fields) -> Fields:
        if self.up:
            return {"status": Status.INVALID_CALL}
        self._security_state = fields["state"]
        return {"status": Status.OK}

    def _security(self, fields: Fields) -> Fields:
        status = Status.OK if self._running else Status.NOT_JOINED
        bitmask = self._running.security if self._running else 0
        return {"status": status, "state": {"bitmask": bitmask, "trust_center": self._memory.eui64}}

    def _form(self, fields: Fields) -> Fields:
        security, parameters = self._security_state, fields["parameters"]
        if self.up:
            return {"status": Status.INVALID_CALL}
        if security is None or not security["bitmask"] & _HAVE_NETWORK_KEY:
            return {"status": Status.SECURITY_NOT_SET}
        hashed = security["bitmask"] & HASHED_LINK_KEY == HASHED_LINK_KEY
        self.formed += 1
        self._memory.aps_counter, self._memory.nwk_counter = (
            int.from_bytes(self._settings.values[value], "little") for value in (_APS_FRAME_COUNTER, _NWK_FRAME_COUNTER)
        )
        self._start(
            Network(
                **parameters,
                network_key=security["network_key"],
                network_key_sequence=security["network_key_sequence"],
                link_key=security["preconfigured_key"],
                security=(HASHED_LINK_KEY if hashed else GLOBAL_LINK_KEY) | HAVE_LINK_KEY,
            )
        )
        return {"status": Status.OK}

    def _leave(self, fields: Fields) -> Fields:
        if not self.up:
            return {"status": Status.INVALID_CALL}
        self.up, self._running, self._memory.network = False, None, None
        self._settings.locked = False
        self._memory.save()
        self._emit("stackStatusHandler", {"status": Status.NETWORK_DOWN})
        return {"status": Status.OK}

    def _forget(self, fields: Fields) -> Fields:
        """The network is gone from memory; what runs, runs on until the next reset."""
        self._memory.network = None
        self._memory.save()
        return {}

    def _parameters(self, fields: Fields) -> Fields:
        network = self._running
        names = ("extended_pan_id", "pan_id", "tx_power", "channel", "join_method", "manager", "update_id", "channels")
        return {
            "status": Status.OK if network else Status.NOT_JOINED,
            "node_type": _COORDINATOR if network else 0,
            "parameters": {name: getattr(network, name) if network else 0 for name in names},
        }

    def _scan(self, fields: Fields) -> Fields:
        """An energy scan finds a quiet band; an active scan finds no other network."""
        channels = [channel for channel in range(11, 27) if fields["channels"] >> channel & 1]
        if fields["type"] == 0:
            for channel in channels:
                self._emit("energyScanResultHandler", {"channel": channel, "rssi": -80 - channel % 8})
        self._emit("scanCompleteHandler", {"channel": channels[-1] if channels else 0, "status": Status.OK})
        return {"status": Status.OK}
