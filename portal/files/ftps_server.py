"""FTPS over pyftpdlib: TLS on both channels or not at all, virtual users, files to list and to fetch.

The library has a loop of its own, which runs in a thread here and asks the portal's event loop about people. What it
takes for paths of the disk are the reader's paths, which only `Shelf` turns into files.
"""

import asyncio
import logging
import os
import stat
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from OpenSSL import SSL
from pyftpdlib.authorizers import AuthenticationFailed
from pyftpdlib.filesystems import AbstractedFS, FilesystemError
from pyftpdlib.handlers import TLS_DTPHandler, TLS_FTPHandler
from pyftpdlib.ioloop import IOLoop
from pyftpdlib.servers import FTPServer

from gateway.errors import BadConfig
from portal.files.door import Entry, FileDoor, Shut
from portal.files.settings import FilesSettings
from portal.files.shelf import Shelf, normal

log = logging.getLogger(__name__)
T = TypeVar("T")

ASK_S = 15.0
"""How long the event loop may take to say whether somebody may enter or stay."""
MOST_PAUSE_S = 10.0
"""The longest pause before a wrong password is answered; until its time is over the address is refused anyway."""
COMMANDS = frozenset((
    "ABOR", "AUTH", "CDUP", "CWD", "EPSV", "FEAT", "HELP", "LIST", "MDTM", "MLSD", "MLST", "MODE", "NLST",
    "NOOP", "OPTS", "PASS", "PASV", "PBSZ", "PROT", "PWD", "QUIT", "REIN", "REST", "RETR", "SIZE", "STAT",
    "STRU", "SYST", "TYPE", "USER", "XCUP", "XCWD", "XPWD",
))  # fmt: skip
"""Nothing that writes, and no active mode, in which a server connects to wherever it is told."""
LOOK_S = 0.5


class ShelfFs(AbstractedFS):  # type: ignore[misc]  # the library has no types
    """What the library takes for a file system: one company's shelf, its paths the reader's."""

    def __init__(self, root: str, cmd_channel: "FtpsTalk") -> None:
        super().__init__("/", cmd_channel)
        self._shelf: Shelf = cmd_channel.shelf

    def ftp2fs(self, ftppath: str) -> str:
        """A reader's path stays one."""
        return normal(ftppath, self.cwd)

    def fs2ftp(self, fspath: str) -> str:
        """And back."""
        return normal(fspath)

    def validpath(self, path: str) -> bool:
        """Every path of a reader is his own; what is not there is not found."""
        return True

    def open(self, filename: str, mode: str) -> Any:
        """A file for reading. Raises FilesystemError."""
        handle = self._shelf.open(filename) if mode == "rb" else None
        if handle is None:
            raise FilesystemError("No such file")
        # The library asks a file for its name when it notes a transfer.
        return os.fdopen(handle, "rb")

    def chdir(self, path: str) -> None:
        """Remember where the reader is; the process itself stays where it is. Raises FilesystemError."""
        if not self.isdir(path):
            raise FilesystemError("No such folder")
        self.cwd = path

    def listdir(self, path: str) -> list[str]:
        """What a folder shows. Raises FilesystemError."""
        names = self._shelf.names(path)
        if names is None:
            raise FilesystemError("No such folder")
        return names

    def stat(self, path: str) -> os.stat_result:
        """What is there. Raises FilesystemError."""
        found = self._shelf.status(path)
        if found is None:
            raise FilesystemError("No such file or folder")
        return found

    lstat = stat

    def isfile(self, path: str) -> bool:
        """Whether a file is there."""
        found = self._shelf.status(path)
        return found is not None and stat.S_ISREG(found.st_mode)

    def isdir(self, path: str) -> bool:
        """Whether a folder is there."""
        found = self._shelf.status(path)
        return found is not None and stat.S_ISDIR(found.st_mode)

    def islink(self, path: str) -> bool:
        """Links are not shown."""
        return False

    def getsize(self, path: str) -> int:
        """Bytes of a file. Raises FilesystemError."""
        return self.stat(path).st_size

    def getmtime(self, path: str) -> float:
        """When a file was changed, s since 1970. Raises FilesystemError."""
        return self.stat(path).st_mtime

    def realpath(self, path: str) -> str:
        """There is no other path to the same."""
        return path

    def lexists(self, path: str) -> bool:
        """Whether anything is there."""
        return self._shelf.status(path) is not None

    def get_user_by_uid(self, uid: int) -> str:
        """Who owns a file here is nobody's business."""
        return "owner"

    def get_group_by_gid(self, gid: int) -> str:
        """Nor in which group."""
        return "group"


class DoorKeeper:
    """What the library calls an authorizer: it asks the door, on the event loop, from the library's thread."""

    def __init__(self, door: FileDoor, loop: asyncio.AbstractEventLoop, root: Path) -> None:
        self.door, self.root, self._loop = door, root, loop

    def ask(self, question: Coroutine[Any, Any, T]) -> T | None:
        """The event loop's answer, None if it gives none in time: then nobody enters and nobody stays."""
        try:
            return asyncio.run_coroutine_threadsafe(question, self._loop).result(ASK_S)
        except Exception:  # the edge to the library's thread: a database that is away shuts the door
            log.exception("nobody could say who may enter")
            return None

    def validate_authentication(self, username: str, password: str, handler: "FtpsTalk") -> None:
        """Let somebody in. Raises AuthenticationFailed."""
        answer = self.ask(self.door.sign_in(username, password, handler.remote_ip))
        if isinstance(answer, Entry) and self.door_in_loop(self.door.come_in, answer):
            handler.entry, handler.shelf = answer, Shelf(self.root, answer.company_id)
            return
        handler.auth_failed_timeout = min(answer.wait_s, MOST_PAUSE_S) if isinstance(answer, Shut) else 1.0
        raise AuthenticationFailed("Not signed in." if isinstance(answer, Entry) else "Wrong user name or password.")

    def door_in_loop(self, call: Callable[[Entry], T], entry: Entry) -> T | None:
        """Call the door where its counts are kept."""

        async def on_loop() -> T:
            return call(entry)

        return self.ask(on_loop())

    def get_home_dir(self, username: str) -> str:
        """A reader's root."""
        return "/"

    def get_msg_login(self, username: str) -> str:
        """What somebody hears who has signed in."""
        return "Signed in."

    def get_msg_quit(self, username: str) -> str:
        """What somebody hears who leaves."""
        return "Goodbye."

    def get_perms(self, username: str) -> str:
        """Change folders, list, fetch."""
        return "elr"

    def has_perm(self, username: str, perm: str, path: str | None = None) -> bool:
        """The same for everybody."""
        return perm in "elr"

    def impersonate_user(self, username: str, password: str) -> None:
        """Users of the system play no part."""

    def terminate_impersonation(self, username: str) -> None:
        """Nor here."""


class FtpsData(TLS_DTPHandler):  # type: ignore[misc]  # the library has no types
    """One data connection."""

    def send(self, data: bytes) -> int:
        """Send some bytes; nothing is nothing, where TLS takes it for the end: an empty folder's list is empty."""
        return int(super().send(data)) if data else 0


class FtpsTalk(TLS_FTPHandler):  # type: ignore[misc]  # the library has no types
    """One connection."""

    entry: Entry | None = None
    shelf: Shelf
    dtp_handler = FtpsData
    abstracted_fs = ShelfFs
    proto_cmds = {name: told for name, told in TLS_FTPHandler.proto_cmds.items() if name in COMMANDS}  # noqa: RUF012  # the library's own way
    tls_control_required = True
    tls_data_required = True
    banner = "metergate: TLS first (AUTH TLS), then USER and PASS."
    max_login_attempts = 5

    def process_command(self, cmd: str, *args: Any, **kwargs: Any) -> None:
        """Any command, if whoever has signed in may still be here."""
        if self.entry is not None and not self.authorizer.ask(self.authorizer.door.may_stay(self.entry)):
            self.respond("421 You may not stay signed in.")
            self.close_when_done()
            return
        super().process_command(cmd, *args, **kwargs)

    def ftp_PROT(self, line: str) -> None:  # noqa: N802  # the library's name
        """Only private: a change of mind between PASV and the connection would leave the data in the clear."""
        if line.upper() != "P":
            self.respond("534 The data channel is private here (PROT P).")
            return
        super().ftp_PROT(line)

    def on_login(self, username: str) -> None:
        """Note it, and forget the password that the library keeps."""
        self.password = ""
        log.info("ftps: %s has signed in from %s", username, self.remote_ip)

    def on_login_failed(self, username: str, password: str) -> None:
        """Note it, without what was typed: it may be a password."""
        log.warning("ftps: somebody at %s was not signed in", self.remote_ip)

    def flush_account(self) -> None:
        """Signed out, by REIN or another USER."""
        super().flush_account()
        self._leave()

    def on_disconnect(self) -> None:
        """Gone."""
        self._leave()

    def _leave(self) -> None:
        entry, self.entry = self.entry, None
        if entry is not None:
            self.authorizer.door_in_loop(self.authorizer.door.leave, entry)


class FtpsServer:
    """The server with its thread. `start` gives the port; `stop` ends sessions and thread."""

    def __init__(self, door: FileDoor, settings: FilesSettings, certificate: Path, key: Path | None) -> None:
        self._door, self._settings = door, settings
        self._context = _context(certificate, key)
        self._stopping = threading.Event()
        self._server: FTPServer | None = None
        self._loop = IOLoop()
        self._ended: asyncio.Future[None] | None = None

    def start(self) -> int:
        """Listen and serve. Raises BadConfig."""
        settings = self._settings
        if settings.passive_last < settings.passive_first:
            raise BadConfig("portal.files: passive_last is before passive_first")
        running = asyncio.get_running_loop()
        options = {
            "ssl_context": self._context,
            "authorizer": DoorKeeper(self._door, running, settings.folder),
            "passive_ports": range(settings.passive_first, settings.passive_last + 1),
            "masquerade_address": settings.public_host,
            "timeout": settings.idle_s,
        }
        try:
            server = FTPServer(
                (settings.host, settings.ftps_port), type("Talk", (FtpsTalk,), options), ioloop=self._loop
            )
        except OSError as error:
            raise BadConfig(f"portal.files.ftps_port {settings.ftps_port} cannot be had: {error.strerror}") from None
        # The library counts sockets: a session has one for commands and one for data, and the server its own.
        server.max_cons = 2 * settings.most_sessions + 1
        server.max_cons_per_ip = settings.most_per_address
        self._server = server
        self._ended = running.run_in_executor(None, self._serve)
        return int(server.address[1])

    async def wait(self) -> None:
        """Until the thread has ended, which it does by itself only for a fault."""
        if self._ended is not None:
            await asyncio.shield(self._ended)

    async def stop(self) -> None:
        """End every session and the thread."""
        self._stopping.set()
        if self._ended is not None:
            await self._ended

    def _serve(self) -> None:
        """The thread: the library's loop in small pieces, so that it hears when it shall stop."""
        try:
            while not self._stopping.is_set():
                self._loop.loop(timeout=LOOK_S, blocking=False)
        finally:
            self._loop.close()


def _context(certificate: Path, key: Path | None) -> SSL.Context:
    """TLS 1.2 and newer under a certificate. Raises BadConfig."""
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_options(SSL.OP_NO_COMPRESSION | SSL.OP_NO_RENEGOTIATION | SSL.OP_NO_TICKET)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    try:
        context.use_certificate_chain_file(str(certificate))
        context.use_privatekey_file(str(key or certificate))
        context.check_privatekey()
    except SSL.Error:
        raise BadConfig(f"the certificate {certificate} cannot be used with its key") from None
    return context


logging.getLogger("pyftpdlib").setLevel(logging.WARNING)
"""The library's notes hold what people type where a user name belongs."""
