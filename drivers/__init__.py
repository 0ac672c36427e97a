"""Drivers: the protocols by which meters are reached. A driver is what gateway.ports.Driver says."""
