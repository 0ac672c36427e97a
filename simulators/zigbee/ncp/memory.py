"""What a co-processor remembers without power: its address, its network, its keys; a JSON file for the laboratory."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.dice import Dice
from gateway.errors import BadConfig
from simulators.zigbee.air.nwk import NetworkKey
from simulators.zigbee.aps import LinkKey as LinkKey

ALL_CHANNELS = 0x07FFF800
COUNTER_STEP, LAST_COUNTER = 4096, 0xFFFFFFFF
"""Frame counters are kept so many ahead of the ones in use, and end there."""
HASHED_LINK_KEY, GLOBAL_LINK_KEY, HAVE_LINK_KEY = 0x84, 0x04, 0x10


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A formed network, of which the co-processor is coordinator and trust centre."""

    pan_id: int
    extended_pan_id: int
    channel: int
    network_key: bytes = field(repr=False)
    link_key: bytes = field(repr=False)
    network_key_sequence: int = 0
    next_network_key: bytes | None = field(default=None, repr=False)
    security: int = GLOBAL_LINK_KEY | HAVE_LINK_KEY
    tx_power: int = 8
    join_method: int = 0
    manager: int = 0
    update_id: int = 0
    channels: int = ALL_CHANNELS

    @property
    def key(self) -> NetworkKey:
        """The network key in use, under its number."""
        return NetworkKey(key=self.network_key, sequence=self.network_key_sequence)

    @property
    def next_key(self) -> NetworkKey | None:
        """The key that has been handed out to be used next."""
        if self.next_network_key is None:
            return None
        return NetworkKey(key=self.next_network_key, sequence=(self.network_key_sequence + 1) % 256)


@dataclass(slots=True, kw_only=True)
class Memory:
    """The non-volatile part. Link keys stand at their index in the key table; path None keeps nothing on disk.

    aps_counter and nwk_counter are the frame counters that the next message under a link key, whoever the partner, and
    the next frame under the network key have. What the file holds of them lies ahead, so that they never run backwards.
    formed_for names the surroundings that it was made for, None in files from before that was kept.
    """

    eui64: int
    network: Network | None = None
    link_keys: dict[int, LinkKey] = field(default_factory=dict, repr=False)
    tokens: dict[int, bytes] = field(default_factory=dict, repr=False)
    aps_counter: int = 0
    nwk_counter: int = 0
    path: Path | None = None
    formed_for: str | None = None
    _aps_kept: int = 0
    _nwk_kept: int = 0

    def next_aps_counter(self) -> int:
        """The counter of a message under a link key."""
        counter, self.aps_counter = self.aps_counter, min(self.aps_counter + 1, LAST_COUNTER)
        if self.aps_counter > self._aps_kept:
            self.save()
        return counter

    def next_nwk_counter(self) -> int:
        """The counter of a frame under the network key."""
        counter, self.nwk_counter = self.nwk_counter, min(self.nwk_counter + 1, LAST_COUNTER)
        if self.nwk_counter > self._nwk_kept:
            self.save()
        return counter

    def restart(self) -> None:
        """Go on with counters beyond all that may have been used."""
        self.aps_counter = max(self.aps_counter, self._aps_kept)
        self.nwk_counter = max(self.nwk_counter, self._nwk_kept)

    def save(self) -> None:
        """Write the file, if there is one, so that it is never half a file."""
        self._aps_kept = min(self.aps_counter + COUNTER_STEP, LAST_COUNTER)
        self._nwk_kept = min(self.nwk_counter + COUNTER_STEP, LAST_COUNTER)
        if self.path is None:
            return
        part = self.path.with_suffix(".part")
        part.write_text(json.dumps(_state(self), indent=2), encoding="utf-8")
        part.replace(self.path)


def formed(eui64: int, dice: Dice, link_keys: dict[int, LinkKey], path: Path | None = None) -> Memory:
    """The memory of a co-processor that has formed a network and shares link keys, all from the dice."""
    rolls = dice.stream(f"network/{eui64:016X}")
    network = Network(
        pan_id=rolls.randrange(1, 0xFFFE),
        extended_pan_id=rolls.getrandbits(64),
        channel=rolls.choice((11, 15, 20, 25)),
        network_key=rolls.randbytes(16),
        link_key=rolls.randbytes(16),
    )
    counter = rolls.randrange(1000, 100_000)
    return Memory(eui64=eui64, network=network, link_keys=dict(link_keys), nwk_counter=counter, path=path)


def load(path: Path) -> Memory:
    """The memory in a file. Raises BadConfig if it is not one."""
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
        network = state["network"]
        return Memory(
            eui64=int(state["eui64"], 16),
            network=None if network is None else _network(network),
            link_keys={int(index): _link_key(key) for index, key in state["link_keys"].items()},
            tokens={int(token): bytes.fromhex(value) for token, value in state["tokens"].items()},
            aps_counter=state.get("aps_counter", 0),
            nwk_counter=state.get("nwk_counter", (network or {}).get("frame_counter", 0)),
            path=path,
            formed_for=state.get("formed_for"),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadConfig(f"{path} is not a co-processor's state: {error}") from None


def _state(memory: Memory) -> dict[str, Any]:
    network = memory.network
    return {
        "formed_for": memory.formed_for,
        "eui64": f"{memory.eui64:016X}",
        "aps_counter": memory._aps_kept,
        "nwk_counter": memory._nwk_kept,
        "network": None if network is None else {name: _plain(getattr(network, name)) for name in Network.__slots__},
        "link_keys": {
            str(index): {"eui64": f"{key.eui64:016X}", "key": key.key.hex(), "incoming": key.incoming}
            for index, key in memory.link_keys.items()
        },
        "tokens": {str(token): value.hex() for token, value in memory.tokens.items()},
    }


def _plain(value: int | bytes | None) -> int | str | None:
    return value.hex() if isinstance(value, bytes) else value


def _network(state: dict[str, Any]) -> Network:
    keys = ("network_key", "next_network_key", "link_key")
    known = {name: value for name, value in state.items() if name in Network.__slots__}
    return Network(**known | {name: bytes.fromhex(state[name]) for name in keys if state.get(name) is not None})


def _link_key(state: dict[str, Any]) -> LinkKey:
    return LinkKey(
        eui64=int(state["eui64"], 16), key=bytes.fromhex(state["key"]), incoming=int(state.get("incoming", 0))
    )
