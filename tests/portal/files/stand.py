"""A stand for the tests of files: two REPs with a credential and files each, FTPS and SFTP on free ports."""

import asyncio
import ftplib
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import asyncssh
from sqlalchemy import select, update

from gateway.clock import Clock
from gateway.database import Database
from portal.companies.status import CompanyStatus
from portal.companies.tables import companies
from portal.files import credentials
from portal.files.door import FileDoor
from portal.files.folders import Folder, placing
from portal.files.ftps_server import FtpsServer
from portal.files.settings import FilesSettings
from portal.files.sftp_server import SftpServer
from portal.smt.certificates import ensure_certificates
from tests.portal.world import CHEAP
from tests.servers import free_port

T = TypeVar("T")
LONE_STAR, BLUEBONNET = "lonestar", "bluebonnet"
NAMES = {LONE_STAR: "Lone Star Power", BLUEBONNET: "Bluebonnet Energy"}
PASSWORDS = {LONE_STAR: "the first one's password", BLUEBONNET: "the other one's password"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """What a test needs of the servers and of what is behind them."""

    database: Database
    root: Path
    tls: Path
    settings: FilesSettings
    sftp: SftpServer
    ftps_port: int
    sftp_port: int
    company: dict[str, int]

    def place(self, user: str, name: str, content: bytes, folder: Folder = Folder.LSE) -> None:
        """Put a file into a company's folder."""
        with placing(self.root, self.company[user], folder, name) as file:
            file.write(content)

    async def ftps(self, work: Callable[["Client"], T], user: str | None = LONE_STAR) -> T:
        """Do something with an FTPS client, signed in if a user is given, beside the event loop."""
        return await asyncio.to_thread(self._ftps, work, user)

    def _ftps(self, work: Callable[["Client"], T], user: str | None) -> T:
        trust = ssl.create_default_context(cafile=self.tls / "ca.pem")
        with Client(context=trust, timeout=20) as client:
            client.connect("127.0.0.1", self.ftps_port)
            if user is not None:
                client.login(user, PASSWORDS[user])
                client.prot_p()
            return work(client)

    @asynccontextmanager
    async def ssh(self, user: str = LONE_STAR, **options: Any) -> AsyncIterator[asyncssh.SSHClientConnection]:
        """An SSH connection, signed in with the password unless another way is given."""
        how = {"password": PASSWORDS[user], "client_keys": None} | options
        known = asyncssh.import_known_hosts(
            f"[127.0.0.1]:{self.sftp_port} {self.sftp.key.export_public_key().decode()}"
        )
        async with asyncssh.connect(
            "127.0.0.1", self.sftp_port, username=user, known_hosts=known, config=None, agent_path=None, **how
        ) as connection:
            yield connection

    @asynccontextmanager
    async def sftp_client(self, user: str = LONE_STAR, **options: Any) -> AsyncIterator[asyncssh.SFTPClient]:
        """An SFTP session."""
        async with self.ssh(user, **options) as connection, connection.start_sftp_client() as client:
            yield client

    async def suspend(self, user: str, status: CompanyStatus = CompanyStatus.SUSPENDED) -> None:
        """Let a company not be Active any more."""
        changed = update(companies).where(companies.c.id == self.company[user]).values(status=status)
        await self.database.write(lambda connection: connection.execute(changed))


class Client(ftplib.FTP_TLS):
    """A client that says yes to the name in the certificate of the demonstration."""

    def fetched(self, path: str) -> bytes:
        """A whole file."""
        pieces: list[bytes] = []
        self.retrbinary(f"RETR {path}", pieces.append)
        return b"".join(pieces)

    def listed(self, path: str = "") -> list[str]:
        """The lines of LIST."""
        lines: list[str] = []
        self.retrlines(f"LIST {path}", lines.append)
        return lines

    def said(self, command: str) -> str:
        """The answer to a command, also if it is a refusal."""
        try:
            return self.sendcmd(command)
        except ftplib.Error as refusal:
            return str(refusal)


@asynccontextmanager
async def stand(database: Database, folder: Path, clock: Clock, **options: Any) -> AsyncIterator[Stand]:
    """Both servers, until the block ends."""
    ensure_certificates(folder / "tls", clock.now())
    passive = free_port()
    settings = FilesSettings(
        folder=folder / "files",
        ftps_port=0,
        sftp_port=0,
        passive_first=min(passive, 65_000),
        passive_last=min(passive, 65_000) + 30,
        host_key=folder / "host_key",
    )
    settings = replace(settings, **options)
    company: dict[str, int] = {}
    async with database.reading() as connection:
        for user, name in NAMES.items():
            company[user] = await connection.scalar(select(companies.c.id).where(companies.c.name == name)) or 0
    for user, password in PASSWORDS.items():
        kept = await CHEAP.hash(password)
        making = partial(
            credentials.set_password,
            company_id=company[user],
            user_name=user,
            password_hash=kept,
            now=clock.now(),
        )
        await database.write(making)
    door = FileDoor(database, CHEAP, clock, settings.most_per_user)
    ftps = FtpsServer(door, settings, folder / "tls" / "server.pem", folder / "tls" / "server.key")
    sftp = SftpServer(door, settings, clock)
    try:
        yield Stand(
            database=database,
            root=settings.folder,
            tls=folder / "tls",
            settings=settings,
            sftp=sftp,
            ftps_port=ftps.start(),
            sftp_port=await sftp.start(),
            company=company,
        )
    finally:
        await sftp.stop()
        await ftps.stop()
