"""What people type, paste and scan of a device's label."""

import pytest

from gateway.keys import InstallCode
from portal.han.label import NO_CODE, NO_DEVICE, NO_QR, TWO_CODES, read_label

MAC = "000D6F0007A0B1C2"
CODE = "83FED3407A939723A5C639B26916D505C3B5"


@pytest.mark.parametrize(
    "typed",
    [
        MAC,
        MAC.lower(),
        "00:0D:6F:00:07:A0:B1:C2",
        "00-0d-6f-00-07-a0-b1-c2",
        " 000D 6F00 07A0 B1C2 ",
        "000D.6F00.07A0.B1C2",
    ],
)
def test_an_address_is_taken_with_and_without_separators(typed: str) -> None:
    label = read_label(typed, CODE)
    assert (label.device, label.code, label.faults) == (MAC, InstallCode.typed(CODE), {})


@pytest.mark.parametrize(
    "qr",
    [
        f"Z:{MAC}$I:{CODE}",
        f"Z:{MAC}$I:{CODE}$M:1234",
        f"G$M:69775$S:680S00003915$D:0000000017B2335C%Z$A:{MAC}$I:{CODE}",
        f"{MAC}|{CODE}",
        f" z:{MAC.lower()}$I:{CODE.lower()} ",
    ],
)
def test_the_text_of_a_qr_code_is_taken_in_either_field(qr: str) -> None:
    for device, code in ((qr, ""), ("", qr), (MAC, qr)):
        label = read_label(device, code)
        assert (label.device, label.code, label.faults) == (MAC, InstallCode.typed(CODE), {})
        assert label.shown == MAC


@pytest.mark.parametrize("size", [6, 8, 12, 16])
def test_codes_of_each_length_are_taken_with_their_checksum(size: int) -> None:
    whole = InstallCode.checked(bytes(range(1, size + 1)))
    text = whole.reveal().hex()
    assert read_label(MAC, text).code == whole
    damaged = read_label(MAC, ("9" if text[0] != "9" else "8") + text[1:])
    assert damaged.code is None
    assert "checksum does not match" in damaged.faults["install_code"]
    assert "16, 20, 28 or 36 digits" in read_label(MAC, text[:-4] + text[-2:]).faults["install_code"]


@pytest.mark.parametrize(
    ("device", "code", "faults"),
    [
        ("", "", {"device": NO_DEVICE, "install_code": NO_CODE}),
        ("000D6F0007A0B1C", CODE, {"device": "A MAC address (EUI-64) has 16 digits, not 15."}),
        ("000D6F0007A0B1CO", CODE, {"device": "A MAC address has only digits and the letters A to F: O is neither."}),
        (f"Z:{MAC}", "", {"device": NO_QR}),
        (MAC, f"$I:{CODE}", {"install_code": NO_QR}),
        (f"Z:{MAC}$I:{CODE}", CODE, {"install_code": TWO_CODES}),
    ],
)
def test_every_fault_is_told_at_its_field(device: str, code: str, faults: dict[str, str]) -> None:
    assert dict(read_label(device, code).faults) == faults


@pytest.mark.parametrize(
    "device", [f"Z:{MAC}$I:{CODE[:-1]}", f"Z:{MAC[:-1]}$I:{CODE}", CODE, f"$I:{CODE}", f"{CODE}|{MAC}"]
)
def test_nothing_that_may_hold_a_code_is_shown_again_or_named_in_a_fault(device: str) -> None:
    label = read_label(device, "")
    assert label.faults
    for text in (label.shown, *label.faults.values(), repr(label)):
        assert CODE[:8] not in text.upper()
    assert "83FED340" not in repr(read_label(MAC, CODE))
