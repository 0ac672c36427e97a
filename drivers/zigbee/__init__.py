"""ZigBee Smart Energy meters, over zigpy and bellows."""

from drivers.zigbee.driver import ZigBeeDriver

__all__ = ["ZigBeeDriver"]
