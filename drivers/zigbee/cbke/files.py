"""Certificate files: labelled hexadecimal text, as authorities hand certificates to makers of devices.

    CA Pub Key:
    0200fde8a7f3d1084224962a4e7c54e69ac3f04da6b8

    Device Implicit Cert:
    ...

The four labels are below; digits stand behind a label's colon or on the lines that follow, spaced as one likes. What
stands under other labels is skipped. The certificate's length tells the suite; one file holds one suite.
"""

import re

from drivers.zigbee.cbke.certificates import BadCertificate, Identity, PrivateKey, identity, parse
from drivers.zigbee.cbke.curve import BadPoint
from gateway.keys import BadKey

AUTHORITY = "CA Pub Key"
CERTIFICATE = "Device Implicit Cert"
PRIVATE = "Private Key Reconstruction Data"
PUBLIC = "Device Public Key"

_LABEL = re.compile(r"^\s*([A-Za-z][\w ./()-]*?)\s*:(.*)$")
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})+")
_NEEDED = (AUTHORITY, CERTIFICATE, PRIVATE)


def read(text: str) -> Identity:
    """The identity in a certificate file. Raises BadCertificate in words that hold no digit of it.

    The private key is checked against the certificate, and the public key, which may be left out, against both.
    """
    fields = _fields(text)
    missing = [label for label in _NEEDED if not fields.get(label)]
    if missing:
        raise BadCertificate(f"a certificate file without {', '.join(missing)}")
    certificate = parse(fields[CERTIFICATE])
    curve = certificate.suite.curve
    try:
        authority_key = curve.decompress(fields[AUTHORITY])
        found = identity(certificate, PrivateKey(_fitted(fields[PRIVATE], curve.scalar_octets)), authority_key)
    except (BadPoint, BadKey) as trouble:
        raise BadCertificate(f"a certificate file that does not hold together: {trouble}") from None
    if fields.get(PUBLIC) and fields[PUBLIC] != curve.compress(found.public_key):
        raise BadCertificate(f"a certificate file whose {PUBLIC} is another")
    return found


def write(device: Identity) -> str:
    """The file of an identity: it holds the private key in plain hexadecimal text."""
    curve = device.certificate.suite.curve
    fields = {
        AUTHORITY: curve.compress(device.authority_key),
        CERTIFICATE: device.certificate.octets,
        PRIVATE: device.private_key.reveal(),
        PUBLIC: curve.compress(device.public_key),
    }
    return "\n".join(f"{label}:\n{octets.hex()}\n" for label, octets in fields.items())


def _fitted(octets: bytes, size: int) -> bytes:
    """A private key of the suite's size. Raises BadCertificate."""
    if len(octets) != size:
        raise BadCertificate(f"a private key of {len(octets)} bytes where the certificate's suite has {size}")
    return octets


def _fields(text: str) -> dict[str, bytes]:
    """The bytes behind each label. Raises BadCertificate for a label that stands twice or digits that are odd."""
    fields: dict[str, str] = {}
    label = ""
    for line in text.splitlines():
        found = _LABEL.match(line)
        if found:
            label = found[1]
            if label in fields:
                raise BadCertificate(f"a certificate file with two of {label}")
            fields[label] = ""
        if label in (*_NEEDED, PUBLIC):
            fields[label] += "".join((found[2] if found else line).split())
    for label, digits in fields.items():
        if digits and not _HEX.fullmatch(digits):
            raise BadCertificate(f"a certificate file whose {label} is not hexadecimal")
    return {label: bytes.fromhex(digits) for label, digits in fields.items()}
