"""OpenSSL as the oracle of both curves' arithmetic, through its command line."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.servers import need


@dataclass(frozen=True)
class OpenSsl:
    """The program, and a folder for its files."""

    program: str
    folder: Path

    @classmethod
    def found(cls, curve: str, folder: Path) -> "OpenSsl":
        """The program, if it still has the curve; a skip with the Debian package's name otherwise."""
        program = shutil.which("openssl") or ""
        listed = (
            subprocess.run([program, "ecparam", "-list_curves"], capture_output=True, text=True) if program else None
        )
        need(listed and curve in listed.stdout.split(), f"openssl with the curve {curve}", "openssl")
        return cls(program, folder)

    def key_pair(self, curve: str, name: str) -> tuple[int, bytes]:
        """A fresh private scalar and its compressed public point; the files stay under the name."""
        self._run("ecparam", "-name", curve, "-genkey", "-noout", "-out", self._private(name))
        self._run("ec", "-in", self._private(name), "-pubout", "-out", self._public(name))
        point = ["ec", "-in", self._private(name), "-pubout", "-conv_form", "compressed", "-outform", "DER"]
        text = self._run("ec", "-in", self._private(name), "-text", "-noout").decode()
        digits = text.split("priv:")[1].split("pub:")[0]
        octets = 22 if curve == "sect163k1" else 37
        return int("".join(digits.split()).replace(":", ""), 16), self._run(*point)[-octets:]

    def agreed(self, ours: str, theirs: str) -> bytes:
        """The abscissa of our private scalar times their point."""
        return self._run("pkeyutl", "-derive", "-inkey", self._private(ours), "-peerkey", self._public(theirs))

    def _run(self, *arguments: str) -> bytes:
        return subprocess.run([self.program, *arguments], capture_output=True, check=True, timeout=20).stdout

    def _private(self, name: str) -> str:
        return str(self.folder / f"{name}.pem")

    def _public(self, name: str) -> str:
        return str(self.folder / f"{name}.public.pem")
