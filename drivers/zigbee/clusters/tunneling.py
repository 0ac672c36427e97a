"""The Tunneling cluster (0x0704): other metering protocols' bytes. Source: ZigBee Smart Energy 1.4, annex D.6."""

# zigpy's definitions take plain numbers and dictionaries and convert them, which their annotations do not say.
# mypy: disable-error-code="arg-type, assignment, misc"

from typing import Final

import zigpy.types as t
from zigpy.zcl.foundation import (
    ZCL_REPORTING_STATUS_ATTR,
    BaseAttributeDefs,
    BaseCommandDefs,
    ZCLAttributeDef,
    ZCLCommandDef,
)

from drivers.zigbee.clusters.secured import SecuredCluster


class TunnelStatus(t.enum8):
    """How a tunnel's request ended."""

    SUCCESS = 0x00
    BUSY = 0x01
    NO_MORE_IDS = 0x02
    PROTOCOL_NOT_SUPPORTED = 0x03
    FLOW_CONTROL_NOT_SUPPORTED = 0x04


class TransferStatus(t.enum8):
    """Why data were not taken."""

    NO_SUCH_TUNNEL = 0x00
    WRONG_DEVICE = 0x01
    DATA_OVERFLOW = 0x02


class Protocol(t.Struct):
    """A protocol that a server tunnels; manufacturer 0xFFFF means one of the standard's own."""

    manufacturer: t.uint16_t
    protocol: t.uint8_t


_TRANSFER = {"tunnel_id": t.uint16_t, "data": t.Bytes}
_TRANSFER_ERROR = {"tunnel_id": t.uint16_t, "status": TransferStatus}
_OCTETS_LEFT = {"tunnel_id": t.uint16_t, "octets_left": t.uint16_t}


class Tunneling(SecuredCluster):
    """Data run to the end of the frame."""

    cluster_id: Final[t.uint16_t] = 0x0704
    ep_attribute: Final = "smartenergy_tunneling"

    class AttributeDefs(BaseAttributeDefs):
        """The server's."""

        close_tunnel_timeout_s: Final = ZCLAttributeDef(id=0x0000, type=t.uint16_t, access="r", mandatory=True)
        reporting_status: Final = ZCL_REPORTING_STATUS_ATTR

    class ServerCommandDefs(BaseCommandDefs):
        """From the client."""

        request_tunnel: Final = ZCLCommandDef(
            id=0x00,
            schema={
                "protocol": t.uint8_t,
                "manufacturer": t.uint16_t,
                "flow_control": t.Bool,
                "most_incoming?": t.uint16_t,
            },
        )
        close_tunnel: Final = ZCLCommandDef(id=0x01, schema={"tunnel_id": t.uint16_t})
        transfer_data: Final = ZCLCommandDef(id=0x02, schema=_TRANSFER)
        transfer_data_error: Final = ZCLCommandDef(id=0x03, schema=_TRANSFER_ERROR)
        ack_transfer_data: Final = ZCLCommandDef(id=0x04, schema=_OCTETS_LEFT)
        ready_data: Final = ZCLCommandDef(id=0x05, schema=_OCTETS_LEFT)
        get_supported_protocols: Final = ZCLCommandDef(id=0x06, schema={"offset": t.uint8_t})

    class ClientCommandDefs(BaseCommandDefs):
        """From the server."""

        request_tunnel_response: Final = ZCLCommandDef(
            id=0x00, schema={"tunnel_id": t.uint16_t, "status": TunnelStatus, "most_incoming?": t.uint16_t}
        )
        transfer_data_to_client: Final = ZCLCommandDef(id=0x01, schema=_TRANSFER)
        transfer_data_error_to_client: Final = ZCLCommandDef(id=0x02, schema=_TRANSFER_ERROR)
        ack_transfer_data_to_client: Final = ZCLCommandDef(id=0x03, schema=_OCTETS_LEFT)
        ready_data_to_client: Final = ZCLCommandDef(id=0x04, schema=_OCTETS_LEFT)
        supported_protocols: Final = ZCLCommandDef(
            id=0x05, schema={"complete": t.Bool, "protocols": t.LVList[Protocol, t.uint8_t]}
        )
        tunnel_closed: Final = ZCLCommandDef(id=0x06, schema={"tunnel_id": t.uint16_t})
