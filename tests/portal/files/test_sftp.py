"""SFTP with a real client: one company's folder and no way out, no shell, no forwarding, nothing to write."""

import os
from functools import partial
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from gateway.clock import SystemClock
from portal.companies.status import CompanyStatus
from portal.files import credentials
from portal.files.folders import Folder
from portal.files.sftp_server import host_key, key_text
from tests.portal.files.stand import BLUEBONNET, LONE_STAR, PASSWORDS, Stand

REFUSED = (asyncssh.SFTPError, asyncssh.ConnectionLost)


async def test_a_company_finds_its_folders_and_fetches_its_files(servers: Stand, tmp_path: Path) -> None:
    content = os.urandom(3_000_000)
    servers.place(LONE_STAR, "large.lse", content)
    async with servers.sftp_client() as client:
        assert sorted(await client.listdir("/")) == sorted([".", "..", *Folder])
        assert await client.getcwd() == "/"
        assert (await client.stat("lse/mine.lse")).size == 10
        await client.get("lse/large.lse", tmp_path / "fetched")
        async with client.open("lse/mine.lse", "rb") as file:
            assert bytes(await file.read()) == b"lone star\n"  # type: ignore[arg-type]  # opened for bytes, which it is not typed for
    assert (tmp_path / "fetched").read_bytes() == content


async def test_two_companies_never_see_each_others_files(servers: Stand) -> None:
    for user, expected in ((LONE_STAR, "mine.lse"), (BLUEBONNET, "theirs.lse")):
        async with servers.sftp_client(user) as client:
            seen = [name for folder in Folder for name in await client.listdir(f"/{folder}")]
        assert [name for name in seen if name not in (".", "..")] == [expected]


@pytest.mark.parametrize(
    "path",
    ["../theirs.lse", "/../{other}/lse/theirs.lse", "lse/../../{other}/lse/theirs.lse", "/{other}/lse/theirs.lse",
     "{root}/{other}/lse/theirs.lse", "..\\{other}\\lse\\theirs.lse", "/etc/passwd", "//etc/passwd", "lse/link.lse",
     "lse/linked/theirs.lse", "lse/.hidden.part", "lse/pipe", "lse/\0", "~/theirs.lse", "lse/\udcff"],
)  # fmt: skip
async def test_no_path_leads_out_of_the_folder(servers: Stand, path: str) -> None:
    other, lse = servers.company[BLUEBONNET], servers.root / str(servers.company[LONE_STAR]) / "lse"
    (lse / "link.lse").symlink_to(servers.root / str(other) / "lse" / "theirs.lse")
    (lse / "linked").symlink_to(servers.root / str(other) / "lse")
    (lse / ".hidden.part").write_text("not whole yet")
    os.mkfifo(lse / "pipe")
    wanted = os.fsencode(path.format(other=other, root=servers.root))
    async with servers.sftp_client() as client:
        for call in (client.stat, client.lstat, client.listdir, client.open, client.readlink):
            with pytest.raises(REFUSED):
                await call(wanted)
        assert sorted(await client.listdir("lse")) == [".", "..", "mine.lse"]


async def test_nothing_is_written(servers: Stand) -> None:
    async with servers.sftp_client() as client:
        for mode in ("wb", "ab", "r+b", "xb"):
            with pytest.raises(asyncssh.SFTPPermissionDenied):
                await client.open("lse/mine.lse", mode)
        for refused in (
            client.remove("lse/mine.lse"),
            client.rename("lse/mine.lse", "lse/other.lse"),
            client.posix_rename("lse/mine.lse", "lse/other.lse"),
            client.mkdir("new"),
            client.rmdir("lse"),
            client.chmod("lse/mine.lse", 0o777),
            client.utime("lse/mine.lse", (0, 0)),
            client.truncate("lse/mine.lse", 0),
            client.symlink("/etc/passwd", "lse/link"),
            client.link("lse/mine.lse", "lse/other"),
            client.statvfs("/"),
        ):
            with pytest.raises(REFUSED):
                await refused
    lse = servers.root / str(servers.company[LONE_STAR]) / "lse"
    assert {path.name: path.read_bytes() for path in lse.iterdir()} == {"mine.lse": b"lone star\n"}


async def test_there_is_no_shell_no_command_no_copy_and_no_forwarding(servers: Stand) -> None:
    async with servers.ssh() as connection:
        for start in (
            lambda: connection.create_process(),
            lambda: connection.create_process("id"),
            lambda: connection.create_process("scp -f lse/mine.lse"),
            lambda: connection.create_process(subsystem="netconf"),
            lambda: connection.open_connection("127.0.0.1", servers.ftps_port),
            lambda: connection.open_unix_connection("/tmp/socket"),
        ):
            with pytest.raises((asyncssh.ChannelOpenError, asyncssh.ProcessError)):
                await start()
        with pytest.raises(asyncssh.ChannelListenError):
            await connection.forward_remote_port("127.0.0.1", 0, "127.0.0.1", servers.ftps_port)


@pytest.mark.parametrize("status", [CompanyStatus.SUSPENDED, CompanyStatus.REVOKED])
async def test_a_company_that_is_not_active_is_out_at_its_next_command(servers: Stand, status: CompanyStatus) -> None:
    async with servers.sftp_client() as client:
        assert await client.exists("lse/mine.lse")
        await servers.suspend(LONE_STAR, status)
        with pytest.raises(REFUSED):
            await client.stat("lse/mine.lse")
    with pytest.raises(asyncssh.PermissionDenied):
        async with servers.sftp_client():
            pass


async def test_a_key_signs_in_once_it_was_added_and_a_revoked_credential_is_out(servers: Stand) -> None:
    own, other = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    options: dict[str, Any] = {"password": None, "preferred_auth": "publickey"}
    with pytest.raises(asyncssh.PermissionDenied):
        async with servers.sftp_client(client_keys=[own], **options):
            pass
    adding = partial(credentials.add_key, user_name=LONE_STAR, key=key_text(own))
    await servers.database.write(adding)
    await servers.database.write(adding)
    async with servers.sftp_client(client_keys=[own], **options) as client:
        assert await client.exists("lse/mine.lse")
        with pytest.raises(asyncssh.PermissionDenied):
            async with servers.sftp_client(client_keys=[other], **options):
                pass
        with pytest.raises(asyncssh.PermissionDenied):
            async with servers.sftp_client(BLUEBONNET, client_keys=[own], **options):
                pass
        now = SystemClock().now()
        await servers.database.write(partial(credentials.revoke, user_name=LONE_STAR, now=now))
        with pytest.raises(REFUSED):
            await client.stat("lse/mine.lse")


async def test_whoever_offers_a_key_and_signs_in_with_a_password_is_who_the_password_says(servers: Stand) -> None:
    own = asyncssh.generate_private_key("ssh-ed25519")
    await servers.database.write(partial(credentials.add_key, user_name=BLUEBONNET, key=key_text(own)))
    async with servers.sftp_client(LONE_STAR, client_keys=[own], password=PASSWORDS[LONE_STAR]) as client:
        assert "mine.lse" in await client.listdir("lse")


async def test_a_wrong_password_does_not_sign_in(servers: Stand) -> None:
    with pytest.raises(asyncssh.PermissionDenied):
        async with servers.sftp_client(password="wrong"):
            pass


def test_the_servers_key_is_made_once_and_kept_for_itself(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "host_key"
    first, again = host_key(path), host_key(path)
    assert first.get_fingerprint() == again.get_fingerprint()
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["host_key"]
