"""Webhooks reach public machines alone: whatever an address is called, written as, or resolved to."""

import socket
from dataclasses import replace
from ipaddress import IPv4Network, IPv6Network, ip_address

import pytest

from portal.webhooks.addresses import NotPublic, Reach, address_fault, is_public
from portal.webhooks.settings import WebhookSettings
from portal.webhooks.transport import Postman
from tests.clock import HandClock
from tests.portal.webhooks.receiver import Receiver, receiving
from tests.portal.webhooks.stand import LABORATORY

INSIDE = [
    "0.0.0.0", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254", "168.63.129.16",
    "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.1.1",
    "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1", "100::1", "2001:db8::1", "2001::1", "2002:7f00:1::", "2002:a00:1::1", "fc00::1", "fd00:ec2::254",
    "fe80::1", "fe80::1%1", "fec0::1", "ff02::1",
]  # fmt: skip
OUTSIDE = ["1.1.1.1", "8.8.8.8", "93.184.216.34", "172.32.0.1", "2606:4700:4700::1111", "64:ff9b::808:808"]


@pytest.mark.parametrize("address", INSIDE)
def test_what_is_not_public_is_not_reached(address: str) -> None:
    assert not is_public(ip_address(address))
    assert not Reach().has(address)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with pytest.raises(NotPublic):
        Reach().socket((family, socket.SOCK_STREAM, 6, "", (address, 443)))


@pytest.mark.parametrize("address", OUTSIDE)
def test_what_is_public_is_reached(address: str) -> None:
    assert Reach().has(address)


def test_networks_that_the_operator_allows_are_reached_in_every_spelling_and_their_neighbours_are_not() -> None:
    reach = Reach((IPv4Network("10.20.0.0/16"), IPv6Network("fd12::/16")))
    assert [reach.has(each) for each in ("10.20.3.4", "::ffff:10.20.3.4", "fd12::1")] == [True] * 3
    assert [reach.has(each) for each in ("10.21.0.1", "fd13::1", "127.0.0.1", "nonsense", "")] == [False] * 5


@pytest.mark.parametrize(
    "address",
    [
        "http://example.com/", "ftp://example.com/", "file:///etc/passwd", "https://", "https:///x", "example.com",
        "https://u:p@example.com/", "https://u@example.com/", "https://example.com/#top", "https://example.com:0/",
        "https://example.com:99999/", "https://ex ample.com/", "https://exämple.com/", "https://example.com/\n",
        "https://127.0.0.1/", "https://[::1]/", "https://[::ffff:10.0.0.1]/", "https://169.254.169.254/latest/",
        "https://[fe80::1%25eth0]/", "https://example.com\\@10.0.0.1/", "https://[half/", "", "x" * 600,
        "https://example.com/" + "x" * 500,
    ],
)  # fmt: skip
def test_an_address_that_cannot_be_told_is_refused_in_words(address: str) -> None:
    assert address_fault(address, WebhookSettings())


@pytest.mark.parametrize(
    "address",
    ["https://example.com", "https://hooks.example.com:8443/in?key=1", "https://8.8.8.8/", "HTTPS://e.example/"],
)
def test_sound_addresses_are_taken(address: str) -> None:
    assert address_fault(address, WebhookSettings()) is None


def test_plain_http_and_loopback_are_taken_where_the_operator_allows_them() -> None:
    assert address_fault("http://127.0.0.1:9000/", LABORATORY) is None
    assert address_fault("http://127.0.0.1:9000/", replace(LABORATORY, plain_http=False))
    assert address_fault("http://127.0.0.1:9000/", replace(LABORATORY, allowed_networks=()))


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "0177.0.0.1", "127.1", "[::1]", "[::ffff:127.0.0.1]"]
)
async def test_no_connection_is_made_to_this_machine_whatever_it_is_called(
    receiver: Receiver, clock: HandClock, host: str
) -> None:
    closed = replace(LABORATORY, allowed_networks=())
    async with receiving("::1" if host == "[::1]" else "127.0.0.1") as here, Postman(closed, clock) as postman:
        tried = await postman.send(f"http://{host}:{here.port}/", {}, b"{}")
        assert (tried.code, here.got) == (None, [])
        assert tried.error in (
            "no connection: it refused, or its address is not public",
            "its name could not be resolved",
            "its address is none that can be asked",
        ), tried


async def test_the_same_machine_is_reached_once_its_network_is_allowed(receiver: Receiver, clock: HandClock) -> None:
    allowed = replace(LABORATORY, allowed_networks=(IPv4Network("127.0.0.0/8"), IPv6Network("::1/128")))
    async with Postman(allowed, clock) as postman:
        for host in ("127.0.0.1", "localhost"):
            assert (await postman.send(f"http://{host}:{receiver.port}/", {}, b"{}")).code == 204
    assert len(receiver.got) == 2
