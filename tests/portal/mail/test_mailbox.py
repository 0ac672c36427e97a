"""The demonstration's mailbox keeps what is mailed on this machine, once, and reads whatever comes."""

import asyncio
import os
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from tempfile import TemporaryDirectory

import aiosmtplib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.mail.mail_receiver import receiving
from portal.mail.mailbox import Mailbox


def mail(number: int, **headers: str) -> bytes:
    message = EmailMessage(policy=SMTP)
    message["Message-ID"] = f"<{number}@metergate.example>"
    message["To"] = "maria@home.example"
    message["Subject"] = f"Letter {number}"
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content("plain\n")
    return message.as_bytes()


def keep(mailbox: Mailbox, number: int, changed_ns: int) -> None:
    mailbox.keep(mail(number))
    path = next(path for path in mailbox._newest_first() if f"Letter {number}".encode() in path.read_bytes())
    os.utime(path, ns=(changed_ns, changed_ns))


def test_it_keeps_the_last_letters_newest_first(tmp_path: Path) -> None:
    mailbox = Mailbox(tmp_path / "mailbox", 3)
    for number in range(5):
        keep(mailbox, number, 1_000_000_000 * (number + 1))
    assert [letter.subject for letter in mailbox.letters()] == ["Letter 4", "Letter 3", "Letter 2"]


def test_a_mail_that_comes_twice_is_kept_once(tmp_path: Path) -> None:
    mailbox = Mailbox(tmp_path, 10)
    mailbox.keep(mail(1))
    mailbox.keep(mail(1))
    mailbox.keep(mail(2))
    assert len(mailbox.letters()) == 2


@pytest.mark.parametrize("key", ["", "..", "../../etc/passwd", "0" * 63, "0" * 64 + "/", "A" * 64, "\0"])
def test_a_key_that_is_none_opens_nothing(tmp_path: Path, key: str) -> None:
    mailbox = Mailbox(tmp_path, 10)
    mailbox.keep(mail(1))
    assert mailbox.letter(key) is None
    assert mailbox.file(key, 0) is None


@settings(max_examples=200)
@given(raw=st.binary(max_size=400), cut=st.integers(0, 400), at=st.integers(0, 400))
def test_whatever_is_mailed_can_be_shown(raw: bytes, cut: int, at: int) -> None:
    with TemporaryDirectory() as folder:
        show_all(Mailbox(Path(folder), 5), raw, cut, at)


def show_all(mailbox: Mailbox, raw: bytes, cut: int, at: int) -> None:
    whole = mail(1, Date="Wed, 25 Nov 2026 10:00:00 -0600", Reply_To="x@y.example")
    for each in (
        raw,
        whole[:at] + raw + whole[at:],
        whole[:cut],
        b"Content-Type: multipart/mixed; boundary=x\n\n" + raw,
    ):
        mailbox.keep(each)
    for letter in mailbox.letters():
        assert letter.subject.isprintable()
        for number in range(len(letter.files)):
            assert mailbox.file(letter.key, number) is not None


async def test_what_is_sent_to_its_port_is_in_it_once_the_server_has_said_so(tmp_path: Path) -> None:
    mailbox = Mailbox(tmp_path, 10)
    async with receiving(mailbox, 0) as port:
        client = aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False, timeout=5)
        await client.connect()
        await client.sendmail("a@b.example", "maria@home.example", mail(1))
        assert [letter.subject for letter in mailbox.letters()] == ["Letter 1"]
        await client.quit()
    await asyncio.sleep(0)
