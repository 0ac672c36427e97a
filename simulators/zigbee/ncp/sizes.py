"""How much a co-processor's firmware has room for; its tables fill up, and say so."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Places in each table: keys shared with partners, addresses, keys of devices about to join, sleeping children."""

    link_keys: int = 12
    addresses: int = 16
    transient: int = 5
    children: int = 32


SHIPPED = Sizes()
"""What firmware on the market is built with."""


def lifted(nodes: int) -> Sizes:
    """Room for so many nodes: the laboratory's, no chip has it."""
    return Sizes(
        link_keys=max(SHIPPED.link_keys, nodes),
        addresses=SHIPPED.addresses,
        transient=max(SHIPPED.transient, 64),
        children=max(SHIPPED.children, nodes),
    )
