"""Which class a cluster of a Smart Energy endpoint has. What is not here is zigpy's, as on every other profile."""

from collections.abc import Mapping
from types import MappingProxyType

from drivers.zigbee.clusters.calendar import Calendar
from drivers.zigbee.clusters.commissioning import Commissioning
from drivers.zigbee.clusters.device_management import DeviceManagement
from drivers.zigbee.clusters.events import Events
from drivers.zigbee.clusters.firmware import Ota
from drivers.zigbee.clusters.keep_alive import KeepAlive
from drivers.zigbee.clusters.load_control import LoadControl
from drivers.zigbee.clusters.messaging import Messaging
from drivers.zigbee.clusters.metering import Metering
from drivers.zigbee.clusters.prepayment import Prepayment
from drivers.zigbee.clusters.price import Price
from drivers.zigbee.clusters.secured import SecuredCluster
from drivers.zigbee.clusters.time import Time
from drivers.zigbee.clusters.tunneling import Tunneling

SMART_ENERGY: Mapping[int, type[SecuredCluster]] = MappingProxyType(
    {
        int(cluster.cluster_id): cluster
        for cluster in (
            Calendar,
            Commissioning,
            DeviceManagement,
            Events,
            KeepAlive,
            LoadControl,
            Messaging,
            Metering,
            Ota,
            Prepayment,
            Price,
            Time,
            Tunneling,
        )
    }
)
"""By cluster id, for endpoints of profile 0x0109 and only for these."""
