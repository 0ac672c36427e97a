"""The co-processor's knowledge of who is where: its small address table, and nodes heard lately."""

from simulators.zigbee.ezsp import Fields, Status
from simulators.zigbee.ncp.settings import ADDRESS_TABLE_SIZE, Answer, Settings

_NO_NODE, _NO_EUI64 = 0xFFFF, 0xFFFFFFFFFFFFFFFF
_MOST_RECENT = 32
"""Nodes whose two addresses the stack still knows after it heard them."""


class Addresses:
    """Nodes by both addresses; nothing of it survives a reset."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.reset()
        self.answers: dict[str, Answer] = {
            "getExtendedTimeout": self._get_extended,
            "setExtendedTimeout": self._set_extended,
            "lookupNodeIdByEui64": self._lookup_nwk,
            "lookupEui64ByNodeId": self._lookup_eui64,
            "replaceAddressTableEntry": self._replace,
            "setAddressTableInfo": self._set,
            "getAddressTableInfo": self._get,
            "getAddressTableRemoteEui64": lambda fields: {"eui64": self.entry(fields["index"])[0]},
            "getAddressTableRemoteNodeId": lambda fields: {"nwk": self.entry(fields["index"])[1]},
        }

    def reset(self) -> None:
        """Forget everybody."""
        self._table: dict[int, tuple[int, int]] = {}
        self._extended: set[int] = set()
        self._recent: dict[int, int] = {}

    def heard(self, nwk: int, eui64: int) -> None:
        """A node was heard under an address."""
        self._recent[nwk] = eui64
        if len(self._recent) > _MOST_RECENT:
            del self._recent[next(iter(self._recent))]

    def entry(self, index: int) -> tuple[int, int]:
        """EUI-64 and network address at a place of the table."""
        return self._table.get(index, (_NO_EUI64, _NO_NODE))

    def eui64_of(self, nwk: int) -> int | None:
        """Whose address it is, as far as the stack knows."""
        return self._known().get(nwk)

    def _known(self) -> dict[int, int]:
        """EUI-64 by network address: of nodes heard lately, and what the host wrote into the address table."""
        return self._recent | {nwk: eui64 for eui64, nwk in self._table.values()}

    def _get_extended(self, fields: Fields) -> Fields:
        extended = fields["eui64"] in self._extended
        return {"extended": extended, "status": Status.OK if extended else Status.FAIL}

    def _set_extended(self, fields: Fields) -> Fields:
        (self._extended.add if fields["extended"] else self._extended.discard)(fields["eui64"])
        return {"status": Status.OK}

    def _lookup_nwk(self, fields: Fields) -> Fields:
        found = next((nwk for nwk, eui64 in self._known().items() if eui64 == fields["eui64"]), _NO_NODE)
        return {"status": Status.NOT_FOUND if found == _NO_NODE else Status.OK, "nwk": found}

    def _lookup_eui64(self, fields: Fields) -> Fields:
        found = self._known().get(fields["nwk"])
        return {"status": Status.NOT_FOUND if found is None else Status.OK, "eui64": found or 0}

    def _set(self, fields: Fields) -> Fields:
        if fields["index"] >= self._settings.configuration[ADDRESS_TABLE_SIZE]:
            return {"status": Status.INVALID_INDEX}
        self._table[fields["index"]] = (fields["eui64"], fields["nwk"])
        return {"status": Status.OK}

    def _get(self, fields: Fields) -> Fields:
        known = fields["index"] < self._settings.configuration[ADDRESS_TABLE_SIZE]
        eui64, nwk = self.entry(fields["index"])
        return {"status": Status.OK if known else Status.INVALID_INDEX, "nwk": nwk, "eui64": eui64}

    def _replace(self, fields: Fields) -> Fields:
        eui64, nwk = self.entry(fields["index"])
        old = {"eui64": eui64, "nwk": nwk, "extended": eui64 in self._extended}
        done = self._set(fields)
        if done["status"] is Status.OK:
            self._set_extended(fields)
        return {**done, **old}
