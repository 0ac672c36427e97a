"""A private PostgreSQL on a free loopback port, for tests and benchmarks; it refuses root, so root steps down."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Self

from tests.servers import free_port, need

NUMBERS = count(1)


def binaries() -> Path | None:
    """Where the newest installed PostgreSQL keeps its programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).parent if on_path else None


@dataclass
class PrivatePostgres:
    """A running server of our own."""

    port: int
    directory: Path

    @classmethod
    @contextmanager
    def started(cls) -> Iterator[Self]:
        """Make a cluster in a temporary folder, serve it, and remove it afterwards."""
        where = binaries()
        need(where, "PostgreSQL", "postgresql")
        assert where is not None
        directory = Path(tempfile.mkdtemp(prefix="metergate-pg-"))
        as_user: dict[str, Any] = {}
        if os.geteuid() == 0:
            need("postgres" in {entry.pw_name for entry in pwd.getpwall()}, "the postgres user", "postgresql")
            shutil.chown(directory, "postgres", "postgres")
            as_user = {"user": "postgres", "group": "postgres"}
        port = free_port()
        data = directory / "data"
        subprocess.run(
            [where / "initdb", "-D", data, "-U", "metergate", "-A", "trust", "-E", "UTF8", "--no-sync"],
            check=True,
            capture_output=True,
            cwd=directory,
            **as_user,
        )
        options = f"-p {port} -k {directory} -c listen_addresses=127.0.0.1 -c max_connections=200 -c fsync=on"
        subprocess.run(
            [where / "pg_ctl", "-D", data, "-w", "-t", "60", "-l", directory / "log", "-o", options, "start"],
            check=True,
            capture_output=True,
            cwd=directory,
            **as_user,
        )
        try:
            yield cls(port=port, directory=directory)
        finally:
            subprocess.run(
                [where / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop"],
                check=False,
                capture_output=True,
                cwd=directory,
                **as_user,
            )
            shutil.rmtree(directory, ignore_errors=True)

    @contextmanager
    def fresh_database(self) -> Iterator[str]:
        """An empty database; yields its URL and drops it afterwards."""
        name = f"test_{os.getpid()}_{next(NUMBERS)}"
        self._sql(f"create database {name}")
        try:
            yield f"postgresql://metergate@127.0.0.1:{self.port}/{name}"
        finally:
            self._sql(f"drop database {name} with (force)")

    def _sql(self, statement: str) -> None:
        where = binaries()
        assert where is not None
        subprocess.run(
            [
                where / "psql",
                "-h",
                "127.0.0.1",
                "-p",
                str(self.port),
                "-U",
                "metergate",
                "-d",
                "postgres",
                "-qc",
                statement,
            ],
            check=True,
            capture_output=True,
        )
