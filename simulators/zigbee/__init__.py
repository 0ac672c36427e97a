"""The devices' side of ZigBee: a network co-processor on a TCP port and the nodes that its radio reaches."""
