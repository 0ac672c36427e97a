"""SFTP over asyncssh: one company's files to list and to fetch. No shell, no command, no forwarding, no writing."""

import asyncio
import logging
import os
import stat
from collections import Counter
from collections.abc import AsyncIterator
from io import FileIO
from pathlib import Path
from typing import Any

import asyncssh
from asyncssh import SFTPAttrs, SFTPName, SSHServerChannel, SSHServerConnection

from gateway.clock import Clock
from gateway.errors import BadConfig
from portal.files.door import Entry, FileDoor, Shut
from portal.files.settings import FilesSettings
from portal.files.shelf import Shelf, normal

log = logging.getLogger(__name__)
logging.getLogger("asyncssh").setLevel(logging.WARNING)  # its notes hold whatever clients ask to run

MOST_PAUSE_S = 10.0
ATTEMPTS = 5
"""Wrong passwords of one connection."""
MOST_OPEN = 16
"""Files that one session has open."""
MOST_READ = 1 << 18
ASKED_AGAIN_S = 1.0
"""How often reading on in one file asks whether the reader may still be here; every other command asks."""
WRITES = asyncssh.FXF_WRITE | asyncssh.FXF_APPEND | asyncssh.FXF_CREAT | asyncssh.FXF_TRUNC


def host_key(path: Path) -> asyncssh.SSHKey:
    """The server's key, made if there is none yet; never replaced. Raises BadConfig."""
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            new = path.with_name(f".{path.name}.{os.getpid()}.new")
            handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(asyncssh.generate_private_key("ssh-ed25519").export_private_key())
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(new, path)  # not a rename: of two that start together, one key stays
            except FileExistsError:
                pass
            finally:
                new.unlink()
        return asyncssh.read_private_key(path)
    except (OSError, asyncssh.KeyImportError) as error:
        raise BadConfig(f"portal.files.host_key {path} cannot be used: {error}") from None


class SftpServer:
    """The server on the event loop. `start` gives the port."""

    def __init__(self, door: FileDoor, settings: FilesSettings, clock: Clock) -> None:
        self.door, self.settings, self.clock = door, settings, clock
        self.key = host_key(settings.host_key)
        self.addresses: Counter[str] = Counter()
        self.talks: set[SftpTalk] = set()
        self._acceptor: asyncssh.SSHAcceptor | None = None

    async def start(self) -> int:
        """Listen and serve. Raises BadConfig."""
        settings = self.settings
        try:
            self._acceptor = await asyncssh.listen(
                settings.host,
                settings.sftp_port,
                server_factory=lambda: SftpTalk(self),
                server_host_keys=[self.key],
                sftp_factory=self._files_of,
                sftp_version=3,
                allow_scp=False,
                allow_pty=False,
                agent_forwarding=False,
                x11_forwarding=False,
                gss_host=None,
                login_timeout=settings.sign_in_s,
                server_version="metergate",
            )
        except OSError as error:
            raise BadConfig(f"portal.files.sftp_port {settings.sftp_port} cannot be had: {error.strerror}") from None
        return self._acceptor.get_port()

    async def run(self) -> None:
        """End sessions that have been idle for too long, until cancelled."""
        while True:
            await self.clock.sleep(min(self.settings.idle_s, 10.0))
            for talk in [talk for talk in self.talks if talk.idle_s() > self.settings.idle_s]:
                talk.end("idle for too long")

    async def stop(self) -> None:
        """End every session."""
        for talk in list(self.talks):
            talk.end("the server stops")
        if self._acceptor is not None:
            self._acceptor.close()
            await self._acceptor.wait_closed()

    def _files_of(self, channel: SSHServerChannel[bytes]) -> "SftpFiles":
        talk = channel.get_connection().get_owner()
        assert isinstance(talk, SftpTalk)
        return SftpFiles(channel, talk)


class SftpTalk(asyncssh.SSHServer):
    """One connection: who it is, and when it was last heard."""

    def __init__(self, server: SftpServer) -> None:
        self._server = server
        self._connection: SSHServerConnection | None = None
        self._address = ""
        self._user = ""
        self._entered = False
        self._misses = 0
        self._keyed: Entry | None = None
        self.entry: Entry | None = None
        self._heard_s = server.clock.monotonic()

    def idle_s(self) -> float:
        """Seconds without a command."""
        return self._server.clock.monotonic() - self._heard_s

    def heard(self) -> None:
        """A command came."""
        self._heard_s = self._server.clock.monotonic()

    def end(self, why: str) -> None:
        """End the connection."""
        if self._connection is not None:
            self._connection.disconnect(asyncssh.DISC_BY_APPLICATION, why)

    def connection_made(self, conn: SSHServerConnection) -> None:
        """Take the connection, unless there are too many."""
        self._connection = conn
        self._address = str(conn.get_extra_info("peername", ("",))[0])
        server, settings = self._server, self._server.settings
        server.talks.add(self)
        server.addresses[self._address] += 1
        if len(server.talks) > settings.most_sessions or server.addresses[self._address] > settings.most_per_address:
            self.end("too many sessions")

    def connection_lost(self, exc: Exception | None) -> None:
        """Gone."""
        self._server.talks.discard(self)
        self._server.addresses[self._address] -= 1
        if not self._server.addresses[self._address]:
            del self._server.addresses[self._address]
        if self.entry is not None and self._entered:
            self._server.door.leave(self.entry)

    def begin_auth(self, username: str) -> bool:
        """Everybody must prove who he is."""
        self._user = username
        return True

    def password_auth_supported(self) -> bool:
        """Yes."""
        return True

    async def validate_password(self, username: str, password: str) -> bool:
        """Whether it is right; a wrong one is answered after a pause that grows."""
        if self._misses >= ATTEMPTS:
            self.end("too many wrong passwords")
            return False
        answer = await self._server.door.sign_in(username, password, self._address)
        if isinstance(answer, Shut):
            self._misses += 1
            log.warning("sftp: somebody at %s was not signed in", self._address)
            await self._server.clock.sleep(min(answer.wait_s, MOST_PAUSE_S))
            return False
        self.entry = answer
        return True

    def public_key_auth_supported(self) -> bool:
        """Yes."""
        return True

    async def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Whether a credential has this key; that the client holds it, the library checks afterwards."""
        self._keyed = await self._server.door.entry_by_key(username, key_text(key))
        return self._keyed is not None

    def auth_completed(self) -> None:
        """Signed in: by the password, or else by the key that was asked about last, which is the proved one."""
        self.entry = self.entry or self._keyed
        if self.entry is None or self.entry.user_name != self._user:
            self.end("you may not sign in")
            return
        self._entered = self._server.door.come_in(self.entry)
        if not self._entered:
            self.end("too many sessions of this user name")
            return
        log.info("sftp: %s has signed in from %s", self.entry.user_name, self._address)

    async def may_stay(self) -> bool:
        """Whether the session may go on; it is ended if not."""
        self.heard()
        if self.entry is not None and self._entered and await self._server.door.may_stay(self.entry):
            return True
        self.end("you may not stay signed in")
        return False

    @property
    def folder(self) -> Path:
        """The root of all companies' files."""
        return self._server.settings.folder


def _refuse(*_arguments: object) -> None:
    raise asyncssh.SFTPPermissionDenied("files are only read here")


_REFUSED: Any = _refuse


class SftpFiles(asyncssh.SFTPServer):
    """One session's view of its company's shelf. Whatever is not here to list or to read is refused."""

    def __init__(self, channel: SSHServerChannel[bytes], talk: SftpTalk) -> None:
        super().__init__(channel)
        assert talk.entry is not None
        self._talk = talk
        self._shelf = Shelf(talk.folder, talk.entry.company_id)
        self._open: set[FileIO] = set()
        self._ended = False

    async def open(self, path: bytes, pflags: int, attrs: SFTPAttrs) -> FileIO:
        """A file for reading."""
        await self._allowed()
        if pflags & WRITES:
            raise asyncssh.SFTPPermissionDenied("files are only read here")
        if len(self._open) >= MOST_OPEN:
            raise asyncssh.SFTPFailure("too many open files")
        handle = self._shelf.open(_text(path))
        if handle is None:
            raise asyncssh.SFTPNoSuchFile("no such file")
        file = FileIO(handle)
        self._open.add(file)
        return file

    async def read(self, file_obj: object, offset: int, size: int) -> bytes:
        """Some bytes of an open file."""
        if self._talk.idle_s() > ASKED_AGAIN_S:
            await self._allowed()
        # Not beside the loop: a descriptor that is closed meanwhile may at once be another company's file.
        return os.pread(self._file(file_obj).fileno(), min(size, MOST_READ), offset)

    def close(self, file_obj: object) -> None:
        """Close an open file."""
        file = self._file(file_obj)
        self._open.discard(file)
        file.close()

    def exit(self) -> None:
        """Close what the session left open."""
        self._ended = True
        for file in self._open:
            file.close()
        self._open.clear()

    async def stat(self, path: bytes) -> SFTPAttrs:
        """What is at a path."""
        await self._allowed()
        return self._attributes_at(_text(path))

    lstat = stat

    async def fstat(self, file_obj: object) -> SFTPAttrs:
        """What an open file is like."""
        await self._allowed()
        return _attributes(os.fstat(self._file(file_obj).fileno()))

    async def scandir(self, path: bytes) -> AsyncIterator[SFTPName]:
        """What a folder shows."""
        await self._allowed()
        here = _text(path)
        # A folder may hold thousands of names, and each is opened to see what it is.
        found = await asyncio.get_running_loop().run_in_executor(None, self._shelf.listed, here)
        if found is None:
            raise asyncssh.SFTPNoSuchFile("no such folder")
        for name in (".", ".."):
            yield SFTPName(name.encode(), attrs=self._attributes_at(normal(name, here)))
        for name, status in found:
            yield SFTPName(name.encode(), attrs=_attributes(status))

    async def realpath(self, path: bytes) -> bytes:
        """A path made absolute."""
        await self._allowed()
        return normal(_text(path)).encode()

    async def _allowed(self) -> None:
        if not await self._talk.may_stay() or self._ended:
            raise asyncssh.SFTPConnectionLost("you may not stay signed in")

    def _attributes_at(self, path: str) -> SFTPAttrs:
        found = self._shelf.status(path)
        if found is None:
            raise asyncssh.SFTPNoSuchFile("no such file")
        return _attributes(found)

    def _file(self, file_obj: object) -> FileIO:
        if not isinstance(file_obj, FileIO) or file_obj not in self._open:
            raise asyncssh.SFTPFailure("no such open file")
        return file_obj

    open56 = write = setstat = lsetstat = fsetstat = _REFUSED
    remove = mkdir = rmdir = rename = posix_rename = link = symlink = readlink = _REFUSED
    statvfs = fstatvfs = fsync = lock = unlock = _REFUSED


def key_text(key: asyncssh.SSHKey) -> str:
    """A public key as OpenSSH writes it, without its comment: what tells two keys apart."""
    return " ".join(key.export_public_key("openssh").decode().split()[:2])


def _text(path: bytes) -> str:
    try:
        return path.decode()
    except UnicodeDecodeError:
        raise asyncssh.SFTPNoSuchFile("no such file") from None


def _attributes(found: os.stat_result) -> SFTPAttrs:
    """Size, kind and time; whose it is on this machine is not told."""
    mode = 0o040550 if stat.S_ISDIR(found.st_mode) else 0o100440
    at = int(found.st_mtime)
    return SFTPAttrs(size=found.st_size, uid=0, gid=0, permissions=mode, atime=at, mtime=at)


def fingerprint(key: asyncssh.SSHKey) -> str:
    """What a client shows of the server's key at the first connection, so that it can be compared."""
    return str(key.get_fingerprint())
