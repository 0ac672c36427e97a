"""`make wheel-check`: the wheel alone, in a clean environment far from its source, serves a page with its stylesheet.

One line for each step with its time; exit code 1 at the first that fails, with what the program said. Everything is
made in a temporary folder. Standard library only: it tells what a stranger gets who installs the wheel.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import venv
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from ssl import create_default_context

ROOT = Path(__file__).resolve().parents[1]
INSIDE = (
    "gateway/configs/demo.toml",
    "gateway/migrations/env.py",
    "gateway/py.typed",
    "portal/migrations/env.py",
    "portal/migrations/versions/v0001_core.py",
    "portal/pages/static/portal.css",
    "portal/pages/static/portal.js",
    "portal/pages/templates/layout.html",
)
"""What is no module and gets lost most easily."""
PROGRAM_S, START_S, STOP_S = 600.0, 60.0, 20.0
CERTIFICATES = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from portal.smt.certificates import ensure_certificates
print(ensure_certificates(Path(sys.argv[1]), datetime.now(UTC)).authority)
"""


class Failed(Exception):
    """A step did not come out as it must; the text says how."""


class Step:
    """One thing to do, told in one line with its time when it is done."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.note = ""

    def __enter__(self) -> "Step":
        self.began = time.monotonic()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        mark = "✗" if kind else "✓"
        took_s = time.monotonic() - self.began
        sys.stdout.write(f"{mark} {self.what}{': ' if self.note else ''}{self.note} ({took_s:.1f} s)\n")
        sys.stdout.flush()


def ran(command: Sequence[str | Path], cwd: Path, *, well: Sequence[int] = (0,)) -> str:
    """What a program said. Raises Failed with its last lines if it does not end as it should."""
    done = subprocess.run(command, cwd=cwd, env=bare(), capture_output=True, text=True, timeout=PROGRAM_S, check=False)
    if done.returncode not in well:
        last = "\n  ".join((done.stdout + done.stderr).splitlines()[-12:])
        raise Failed(f"{' '.join(map(str, command))} ended with {done.returncode}:\n  {last}")
    return done.stdout


def bare() -> Mapping[str, str]:
    """This environment without what would lead a Python back to the source."""
    astray = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    return {name: value for name, value in os.environ.items() if name not in astray}


def build(folder: Path) -> Path:
    """The wheel, made by the build backend that is installed here."""
    ran([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder], ROOT)
    [wheel] = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        inside = set(archive.namelist())
    missing = [name for name in INSIDE if name not in inside]
    if missing:
        raise Failed(f"not in the wheel: {', '.join(missing)}")
    strangers = sorted({name.split("/")[0] for name in inside} & {"tests", "docs", "configs", "var"})
    if strangers:
        raise Failed(f"in the wheel for no reason: {', '.join(strangers)}")
    return wheel


def installed(folder: Path, wheel: Path) -> Path:
    """A clean environment with the locked requirements and the wheel; returns its Python."""
    venv.create(folder, with_pip=not uv())
    python = folder / "bin" / "python"
    install: list[str | Path] = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if program := uv():
        install = [program, "pip", "install", "--quiet", "--python", python]
    ran([*install, "--require-hashes", "-r", ROOT / "requirements.txt"], folder)
    ran([*install, "--no-deps", wheel], folder)
    return python


def uv() -> str | None:
    """The quicker installer, if the development environment has it."""
    return shutil.which("uv", path=str(Path(sys.executable).parent))


def free_port() -> int:
    """A loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def started(command: Sequence[str | Path], cwd: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that has said `ready`; killed in the end if it still lives. Raises Failed with its last words."""
    process = subprocess.Popen(
        command, cwd=cwd, env=bare(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    too_long = threading.Timer(START_S, process.kill)
    too_long.start()
    said: list[str] = []
    try:
        for line in process.stdout:
            said.append(line)
            if line.startswith("ready"):
                break
        else:
            raise Failed(f"it was not ready within {START_S:.0f} s:\n  {'  '.join(said[-12:])}")
        too_long.cancel()
        threading.Thread(target=process.stdout.read, daemon=True).start()
        yield process
    finally:
        too_long.cancel()
        process.kill()
        process.wait()


def got(port: int, path: str, authority: str = "") -> str:
    """A page's text, over TLS if there is an authority to trust. Raises Failed unless it is 200."""
    if authority:
        context = create_default_context(cafile=authority)
        connection: HTTPConnection = HTTPSConnection("localhost", port, timeout=20, context=context)
    else:
        connection = HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        text = answer.read().decode()
    finally:
        connection.close()
    if answer.status != 200:
        raise Failed(f"GET {path}: {answer.status} {text[:200]}")
    return text


def linked(page: str, ending: str) -> str:
    """The address of the page's own file of that kind."""
    found = re.search(rf'(?:href|src)="(/static/[^"]+\.{ending}[^"]*)"', page)
    if found is None:
        raise Failed(f"the page names no .{ending} of its own")
    return found[1]


def pages(port: int, tls_port: int, authority: str) -> None:
    """The entrance with what it needs, and the same over TLS."""
    with Step("the entrance") as step:
        page = got(port, "/")
        step.note = f"{len(page):,} characters"
    with Step("its stylesheet and its module") as step:
        step.note = ", ".join(f"{linked(page, kind)} {len(got(port, linked(page, kind))):,}" for kind in ("css", "js"))
    with Step("the API's description"):
        got(port, "/api/v1/openapi.json")
    with Step("the entrance over TLS, with the demonstration certificate"):
        got(tls_port, "/", authority)


def check(folder: Path) -> None:
    """Every step, in order."""
    elsewhere, data = folder / "elsewhere", folder / "data"
    elsewhere.mkdir()
    with Step("the wheel is built") as step:
        wheel = build(folder / "dist")
        step.note = f"{wheel.name}, {wheel.stat().st_size:,} bytes"
    with Step("a clean environment takes the locked requirements and the wheel"):
        python = installed(folder / "venv", wheel)
    metergate = python.parent / "metergate"
    with Step("metergate --help") as step:
        commands = ran([metergate, "--help"], elsewhere)
        step.note = ", ".join(name for name in ("broker", "demo", "doctor", "gateway", "portal") if name in commands)
    with Step("it runs from the wheel, not from the source"):
        where = ran([python, "-c", "import gateway, portal; print(gateway.__file__, portal.__file__)"], elsewhere)
        if str(ROOT) in where:
            raise Failed(where)
    (data / "secrets").mkdir(parents=True)
    (data / "secrets" / "portal").write_text("wheel-check\n", encoding="utf-8")
    with Step("the demonstration certificate"):
        authority = ran([python, "-c", CERTIFICATES, data / "tls"], elsewhere).strip()
    with Step("metergate doctor") as step:
        told = ran([metergate, "doctor", "--config", "demo.toml", f"--set=data={data}"], elsewhere, well=(0, 1))
        step.note = told.splitlines()[-1]
        if not re.search(r"^\d+ checks, ", step.note):
            raise Failed(told)
    port, tls_port = free_port(), free_port()
    places = (f"data={data}", f"portal.port={port}", f"portal.tls_port={tls_port}", f"bus.port={free_port()}")
    command: list[str | Path] = [metergate, "portal", "--config", "demo.toml", *(f"--set={place}" for place in places)]
    with ExitStack() as exits:
        with Step("metergate portal, without a broker"):
            process = exits.enter_context(started(command, elsewhere))
        pages(port, tls_port, authority)
        with Step("it stops at SIGTERM"):
            process.send_signal(signal.SIGTERM)
            if code := process.wait(STOP_S):
                raise Failed(f"it ended with {code}")
    with Step("nothing was left in the working directory"):
        if left := sorted(path.name for path in elsewhere.iterdir()):
            raise Failed(", ".join(left))


def main() -> int:
    """Check, in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="metergate-wheel-") as name:
        try:
            check(Path(name))
        except (Failed, OSError, subprocess.TimeoutExpired) as trouble:
            sys.stdout.write(f"{trouble}\n")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
