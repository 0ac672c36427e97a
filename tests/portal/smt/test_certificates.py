"""Certificates for demonstrations: what a client that trusts the authority accepts, and when they are renewed."""

import ssl
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from gateway.clock import SystemClock
from portal.smt.certificates import NAMES, Certificates, ensure_certificates

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def handshake(files: Certificates, name: str) -> None:
    """A TLS handshake in memory between a server with these files and a strict client that trusts the authority."""
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(files.certificate, files.key)
    asking = ssl.create_default_context(cafile=files.authority)
    asking.verify_flags |= ssl.VERIFY_X509_STRICT
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = asking.wrap_bio(down, up, server_hostname=name)
    server = serving.wrap_bio(up, down, server_side=True)
    waiting = [client, server]
    for _ in range(10):
        for side in list(waiting):
            try:
                side.do_handshake()
                waiting.remove(side)
            except ssl.SSLWantReadError:
                continue
    assert waiting == []


@pytest.mark.parametrize("name", [*NAMES, "127.0.0.1"])
def test_a_strict_client_accepts_every_name(tmp_path: Path, name: str) -> None:
    handshake(ensure_certificates(tmp_path / "tls", SystemClock().now()), name)


def test_another_name_is_not_accepted(tmp_path: Path) -> None:
    files = ensure_certificates(tmp_path, SystemClock().now())
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(files, "bank.example")


def test_keys_are_for_their_owner_only(tmp_path: Path) -> None:
    ensure_certificates(tmp_path, NOW)
    assert {path.name for path in tmp_path.iterdir()} == {"ca.pem", "ca.key", "server.pem", "server.key"}
    assert {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("ca.key", "server.key")} == {0o600}


def contents(folder: Path) -> dict[str, bytes]:
    """The bytes of every file of a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_certificates_that_are_good_stay_as_they_are(tmp_path: Path) -> None:
    ensure_certificates(tmp_path, NOW)
    before = contents(tmp_path)
    ensure_certificates(tmp_path, NOW + timedelta(days=300))
    assert contents(tmp_path) == before


def test_a_server_certificate_near_its_end_is_renewed_under_the_same_authority(tmp_path: Path) -> None:
    files = ensure_certificates(tmp_path, NOW)
    before = contents(tmp_path)
    later = NOW + timedelta(days=370)
    ensure_certificates(tmp_path, later)
    assert files.authority.read_bytes() == before["ca.pem"]
    renewed = x509.load_pem_x509_certificate(files.certificate.read_bytes())
    assert renewed.not_valid_after_utc > later + timedelta(days=360)


@pytest.mark.parametrize("damaged", ["server.key", "server.pem", "ca.key", "ca.pem"])
def test_damaged_files_are_replaced(tmp_path: Path, damaged: str) -> None:
    now = SystemClock().now()
    ensure_certificates(tmp_path, now)
    (tmp_path / damaged).write_bytes(b"-----BEGIN NOTHING-----\n")
    handshake(ensure_certificates(tmp_path, now), "localhost")
