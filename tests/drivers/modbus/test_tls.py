"""A line over TLS: both sides show certificates, and a stranger's are refused."""

import asyncio
import ssl
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from drivers.modbus.profile import named
from gateway.clock import SystemClock
from gateway.errors import LinkLost
from simulators.modbus import frames
from simulators.modbus.meter import Refusal
from simulators.modbus.street import ModbusPlan, ModbusStreet

from .conftest import Puppet, assignment, driver, kept


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A self-signed certificate for loopback and its key, as files."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = SystemClock().now()
    signed = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = folder / f"{name}.pem", folder / f"{name}.key"
    files[0].write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    files[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, *form))
    return files


def answering(world: ModbusStreet) -> Puppet:
    """A port that answers as the street's first meter does."""

    def script(data: bytes) -> bytes:
        (asked,), _ = frames.tcp_requests(data)
        words = world.meters[0].answer(asked.function, asked.first, asked.count)
        assert not isinstance(words, Refusal)
        return frames.tcp_frame(asked, frames.registers_body(asked.function, words))

    return Puppet(script)


async def test_a_meter_is_read_over_mutual_tls_and_a_stranger_is_not_trusted(tmp_path: Path) -> None:
    theirs, ours, stranger = (certificate(tmp_path, name) for name in ("meter", "gateway", "stranger"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*theirs)
    context.load_verify_locations(ours[0])
    context.verify_mode = ssl.CERT_REQUIRED
    world = ModbusStreet(ModbusPlan(profile=named("eastron-sdm630"), name="eastron-sdm630", units=1), SystemClock())
    puppet = answering(world)
    port = await puppet.open(context)
    try:
        told: dict[str, Any] = {"scheme": "tls", "certificate": ours[0], "key": ours[1]}
        async with kept(driver(port, ca=theirs[0], **told)) as line:
            assert (await line.read(assignment(1, "eastron-sdm630"), 10)).delivered_wh
        with pytest.raises(LinkLost, match="certificate"):
            await asyncio.wait_for(driver(port, ca=stranger[0], **told).run(), 10)
    finally:
        await puppet.close()
