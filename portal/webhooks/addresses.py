"""Where a webhook may go: an address that is sound, and a machine that is public.

The rule is asked about the very address that a connection is about to be made to, whatever its name was resolved to
(`Reach.socket`, which the HTTP client calls for each); so neither a name that resolves to two machines, nor one that
resolves to another the second time, nor a number in disguise leads inside.
"""

import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any
from urllib.parse import urlsplit

from portal.webhooks.settings import WebhookSettings
from portal.webhooks.tables import WEBHOOK_ADDRESS

Network = IPv4Network | IPv6Network
_TRANSLATED = IPv6Network("64:ff9b::/96")
"""IPv6 addresses that a NAT64 gateway turns into IPv4 ones (RFC 6052)."""
_NOT_PUBLIC: tuple[Network, ...] = (
    IPv4Network("168.63.129.16/32"),  # public by its number, but a cloud's own service to its guests
    IPv4Network("192.0.0.0/24"),  # older Pythons take a part of it for public
    IPv4Network("192.88.99.0/24"),  # relays of 6to4, given up
    IPv6Network("64:ff9b:1::/48"),
    IPv6Network("fec0::/10"),
)


class NotPublic(OSError):
    """The machine that a connection was about to be made to is not public."""


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address is a machine of the public internet (pure); one that holds another is as public as that."""
    held = _held(address)
    if held is not None:
        return is_public(held)
    barred = any(address in network for network in _NOT_PUBLIC if network.version == address.version)
    odd = address.is_multicast or address.is_reserved or address.is_unspecified or address.is_loopback
    return address.is_global and not barred and not odd


def _held(address: IPv4Address | IPv6Address) -> IPv4Address | None:
    """The IPv4 address inside an IPv6 one."""
    if isinstance(address, IPv4Address):
        return None
    if address in _TRANSLATED:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    teredo = None if address.teredo is None else address.teredo[1]
    return address.ipv4_mapped or address.sixtofour or teredo


class Reach:
    """What may be reached: public machines, and those of the networks that the operator allows."""

    def __init__(self, allowed: Sequence[Network] = ()) -> None:
        self._allowed = tuple(allowed)

    def has(self, address: str) -> bool:
        """Whether a machine may be reached, by its numeric address; what is no such address may not."""
        try:
            found = ip_address(address)
        except ValueError:
            return False
        plain = _held(found) or found
        inside = any(plain in network for network in self._allowed if network.version == plain.version)
        return inside or is_public(found)

    def socket(self, found: tuple[Any, ...]) -> socket.socket:
        """A socket for an address as getaddrinfo gives it. Raises NotPublic."""
        family, kind, protocol, _, place = found
        if not self.has(place[0]):
            raise NotPublic("the address is not public")
        made = socket.socket(family=family, type=kind, proto=protocol)
        made.setblocking(False)
        return made


def address_fault(address: str, settings: WebhookSettings) -> str | None:
    """What is wrong with a webhook's address, in words; None if nothing is. Names are not resolved here."""
    wanted = "an address that begins with https://"
    if not address.isascii() or not address.isprintable() or " " in address or "\\" in address:
        return f"Enter {wanted}, without blanks; letters beyond ASCII in their encoded form"
    if len(address) > WEBHOOK_ADDRESS:
        return f"Use at most {WEBHOOK_ADDRESS} characters"
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return f"Enter {wanted}, with a host and, if need be, a port"
    if parts.scheme != "https" and not (settings.plain_http and parts.scheme == "http"):
        return f"Enter {wanted}"
    if not parts.hostname or port == 0:
        return f"Enter {wanted}, with a host and, if need be, a port"
    if parts.username is not None or parts.password is not None:
        return "Leave out user name and password: the signature says who sends"
    if parts.fragment:
        return "Leave out what follows #: it would not be sent"
    return _host_fault(parts.hostname, settings)


def _host_fault(host: str, settings: WebhookSettings) -> str | None:
    try:
        ip_address(host)
    except ValueError:
        return None
    return None if Reach(settings.allowed_networks).has(host) else "This address is not public"
