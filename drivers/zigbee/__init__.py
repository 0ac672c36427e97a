"""ZigBee Smart Energy meters, over zigpy and bellows."""
