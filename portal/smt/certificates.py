"""A certificate authority for demonstrations, and a server certificate for the names of Smart Meter Texas.

The authority can vouch for these names and this machine only, so that trusting it opens nothing else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from portal.files.whole_file import whole_file

NAMES = (
    "www.smartmetertexas.com",
    "smartmetertexas.com",
    "services.smartmetertexas.net",
    "uatservices.smartmetertexas.net",
    "localhost",
)
LOOPBACK = IPv4Address("127.0.0.1")
AUTHORITY_LIFE = timedelta(days=3650)
SERVER_LIFE = timedelta(days=397)
RENEWED_BEFORE = timedelta(days=30)
BACKDATED = timedelta(hours=1)
"""Certificates begin a little in the past: clocks differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    """Files in PEM: what clients shall trust, what the server shows (the full chain), and its private key."""

    authority: Path
    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class _Signed:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def ensure_certificates(folder: Path, now: datetime) -> Certificates:
    """Usable certificates in a folder: those that are there, or new ones where none are or they end within 30 days.

    A new authority is made only when the old one is unusable: who trusts it need not trust another. Private keys are
    readable by their owner only.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    files = Certificates(authority=folder / "ca.pem", certificate=folder / "server.pem", key=folder / "server.key")
    authority = _load(files.authority, folder / "ca.key", now)
    if authority is None:
        authority = _new_authority(now)
        _keep(folder / "ca.key", files.authority, authority)
    server = _load(files.certificate, files.key, now)
    if server is None or not _signed_by(server, authority):
        _keep(files.key, files.certificate, _new_server(authority, now), authority.certificate)
    return files


def _load(certificate: Path, key: Path, now: datetime) -> _Signed | None:
    """A certificate with its key, None if they are not both there, do not belong together or end soon."""
    try:
        found = x509.load_pem_x509_certificate(certificate.read_bytes())
        private = load_pem_private_key(key.read_bytes(), None)
    except (OSError, ValueError, TypeError):
        return None
    usable = found.not_valid_before_utc <= now < found.not_valid_after_utc - RENEWED_BEFORE
    if not isinstance(private, ec.EllipticCurvePrivateKey) or found.public_key() != private.public_key():
        return None
    return _Signed(found, private) if usable else None


def _signed_by(server: _Signed, authority: _Signed) -> bool:
    """Whether this authority vouches for this certificate, and for all of today's names."""
    try:
        server.certificate.verify_directly_issued_by(authority.certificate)
        names = server.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, TypeError, x509.ExtensionNotFound, InvalidSignature):
        return False
    return set(NAMES) <= set(names.get_values_for_type(x509.DNSName))


def _new_authority(now: datetime) -> _Signed:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "metergate demonstration authority")])
    permitted: list[x509.GeneralName] = [x509.DNSName(name) for name in NAMES]
    permitted.append(x509.IPAddress(IPv4Network("127.0.0.1/32")))
    builder = (
        _builder(name, name, key, now, AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.NameConstraints(permitted, None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return _Signed(builder.sign(key, hashes.SHA256()), key)


def _new_server(authority: _Signed, now: datetime) -> _Signed:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAMES[0])])
    names: list[x509.GeneralName] = [*(x509.DNSName(name) for name in NAMES), x509.IPAddress(LOOPBACK)]
    vouching = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    builder = (
        _builder(subject, authority.certificate.subject, key, now, SERVER_LIFE)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(vouching, critical=False)
    )
    return _Signed(builder.sign(authority.key, hashes.SHA256()), key)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime, life: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + life)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _keep(key: Path, certificate: Path, signed: _Signed, *chain: x509.Certificate) -> None:
    """Write a key and its certificate with what leads to the authority; the key first, each file at once."""
    private = signed.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    _replace(key, private, 0o600)
    shown: Sequence[x509.Certificate] = (signed.certificate, *chain)
    _replace(certificate, b"".join(one.public_bytes(Encoding.PEM) for one in shown), 0o644)


def _replace(path: Path, content: bytes, mode: int) -> None:
    """Put a file in the place of another; nobody but its owner reads it before it has its mode."""
    with whole_file(path.parent, path.name, mode) as file:
        file.write(content)
