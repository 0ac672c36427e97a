"""Answers leave at once."""

import socket

from portal.http_server import listen


def test_accepted_connections_do_not_wait_to_fill_their_segments() -> None:
    with listen("127.0.0.1", 0) as place, socket.create_connection(place.getsockname()):
        accepted, _ = place.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
