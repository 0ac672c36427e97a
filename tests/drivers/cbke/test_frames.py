"""The cluster's bodies: there and back, and garbage refused by type."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.zigbee.cbke.frames import (
    BadFrame,
    Command,
    ConfirmKey,
    EphemeralData,
    Frame,
    Initiate,
    Message,
    Status,
    Terminate,
    decode,
    encode,
)
from tests.drivers.cbke.vectors import C_5, C_6

OCTET = st.integers(min_value=0, max_value=255)


@pytest.mark.parametrize(
    ("message", "body"),
    [
        (
            Initiate(suites=1, ephemeral_s=3, confirm_s=6, certificate=C_5.initiator.certificate),
            "01000306" + C_5.initiator.certificate.hex(),
        ),
        (
            Initiate(suites=2, ephemeral_s=11, confirm_s=16, certificate=C_6.initiator.certificate),
            "02000b10" + C_6.initiator.certificate.hex(),
        ),
        (EphemeralData(point=C_5.initiator.ephemeral), C_5.initiator.ephemeral.hex()),
        (ConfirmKey(mac=C_5.initiator.mac), C_5.initiator.mac.hex()),
        (Terminate(status=Status.NO_RESOURCES, wait_s=30, suites=3), "041e0300"),
    ],
)
def test_messages_are_the_specifications_bytes(message: Message, body: str) -> None:
    assert encode(message).body.hex() == body
    assert decode(encode(message)) == message


def test_a_terminate_may_carry_more_and_other_statuses() -> None:
    assert decode(Frame(Command.TERMINATE, bytes.fromhex("7f05010099"))) == Terminate(status=0x7F, wait_s=5, suites=1)


@given(OCTET, st.binary(max_size=90))
def test_any_bytes_are_a_message_or_refused(command: int, body: bytes) -> None:
    try:
        message = decode(Frame(command, body))
    except BadFrame:
        return
    again = encode(message)
    assert again.command == command
    assert body.startswith(again.body)
