"""The Key Establishment cluster (0x0800), which every Smart Energy device has both ways.

Its frames are acknowledged but never encrypted: they serve before there is a key. What stands in them is
drivers.zigbee.cbke.frames' business; here they are declared for zigpy. Importing this module makes zigpy use it.
Source: ZigBee Smart Energy 1.4, annex C.3.
"""

# zigpy's definitions take plain numbers and dictionaries and convert them, which their annotations do not say.
# mypy: disable-error-code="arg-type, assignment, misc"

from typing import Final

import zigpy.types as t
from zigpy.zcl import Cluster
from zigpy.zcl.foundation import BaseAttributeDefs, BaseCommandDefs, ZCLAttributeDef, ZCLCommandDef

CLUSTER = 0x0800


class Suites(t.bitmap16):
    """The cryptographic suites that a device has a certificate for."""

    SUITE_1 = 0x0001
    SUITE_2 = 0x0002


class SuitesAttribute(t.enum16):
    """The same as the attribute's wire type, an enumeration although its values are masks (type 0x31)."""


_INITIATE = {"suites": Suites, "ephemeral_s": t.uint8_t, "confirm_s": t.uint8_t, "certificate": t.Bytes}
_EPHEMERAL = {"point": t.Bytes}
_CONFIRM = {"mac": t.Bytes}
_TERMINATE = {"status": t.uint8_t, "wait_s": t.uint8_t, "suites": Suites}


class KeyEstablishment(Cluster):
    """Certificates and keys travel by four commands, the initiator's and the responder's alike."""

    cluster_id: Final[t.uint16_t] = CLUSTER
    ep_attribute: Final = "smartenergy_key_establishment"

    class AttributeDefs(BaseAttributeDefs):
        """The suites, on both sides."""

        suites: Final = ZCLAttributeDef(id=0x0000, type=SuitesAttribute, access="r", mandatory=True)

    class ServerCommandDefs(BaseCommandDefs):
        """From the initiator, whose side the client's is."""

        initiate: Final = ZCLCommandDef(id=0x00, schema=_INITIATE)
        ephemeral: Final = ZCLCommandDef(id=0x01, schema=_EPHEMERAL)
        confirm: Final = ZCLCommandDef(id=0x02, schema=_CONFIRM)
        terminate: Final = ZCLCommandDef(id=0x03, schema=_TERMINATE)

    class ClientCommandDefs(BaseCommandDefs):
        """From the responder, whose side the server's is."""

        initiate_response: Final = ZCLCommandDef(id=0x00, schema=_INITIATE)
        ephemeral_response: Final = ZCLCommandDef(id=0x01, schema=_EPHEMERAL)
        confirm_response: Final = ZCLCommandDef(id=0x02, schema=_CONFIRM)
        terminate_response: Final = ZCLCommandDef(id=0x03, schema=_TERMINATE)
