"""Devices of every kind without a network: the commands that come to them, and what they have to say."""

from simulators.zigbee import zcl
from simulators.zigbee.devices.panel import Errands


def heard(cluster: zcl.Commanded, command: int, body: bytes) -> zcl.Reply | int | None:
    """A command from the cluster's server comes to a client, encrypted."""
    return cluster.command(zcl.Command(zcl.Header(0x09, None, 1, command), body, True))


def said(errands: Errands) -> list[tuple[int, int, bytes]]:
    """What waits to be said."""
    return list(errands._waiting)
