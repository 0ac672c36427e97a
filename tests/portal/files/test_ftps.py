"""FTPS with a real client: TLS or nothing, one company's folder and no way out, files to fetch and nothing to write."""

import asyncio
import ftplib
import io
import os
import socket
import ssl
from functools import partial
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from portal.companies.status import CompanyStatus
from portal.files import credentials
from portal.files.folders import Folder
from tests.portal.files.stand import BLUEBONNET, LONE_STAR, PASSWORDS, Client, Stand


async def test_a_company_finds_its_folders_and_fetches_its_files(servers: Stand) -> None:
    def work(client: Client) -> tuple[list[str], bytes, bytes]:
        names = sorted(client.nlst())
        client.cwd("lse")
        client.voidcmd("TYPE I")
        assert client.pwd() == "/lse"
        assert client.size("mine.lse") == 10
        return names, client.fetched("mine.lse"), client.fetched("/lse/mine.lse")

    names, relative, absolute = await servers.ftps(work)
    assert names == sorted(Folder)
    assert relative == absolute == b"lone star\n"


async def test_a_large_file_arrives_whole_and_from_where_it_broke_off(servers: Stand) -> None:
    content = os.urandom(3_000_000)
    servers.place(LONE_STAR, "large.lse", content)

    def work(client: Client) -> tuple[bytes, bytes]:
        rest: list[bytes] = []
        client.retrbinary("RETR lse/large.lse", rest.append, rest=2_000_000)
        return client.fetched("lse/large.lse"), b"".join(rest)

    assert await servers.ftps(work) == (content, content[2_000_000:])


async def test_two_companies_never_see_each_others_files(servers: Stand) -> None:
    def seen(client: Client) -> list[str]:
        return [name for folder in Folder for name in client.nlst(f"/{folder}")]

    for _ in range(10):  # an empty folder's list over TLS is where the library's sending has a race
        assert await servers.ftps(seen, LONE_STAR) == ["mine.lse"]
    assert await servers.ftps(seen, BLUEBONNET) == ["theirs.lse"]


@pytest.mark.parametrize(
    "path",
    ["../theirs.lse", "/../{other}/lse/theirs.lse", "lse/../../{other}/lse/theirs.lse", "/{other}/lse/theirs.lse",
     "{root}/{other}/lse/theirs.lse", "..\\{other}\\lse\\theirs.lse", "/etc/passwd", "//etc/passwd", "lse/link.lse",
     "lse/linked/theirs.lse", "lse/.hidden.part", "lse/pipe", "lse/\0", "~/theirs.lse"],
)  # fmt: skip
async def test_no_path_leads_out_of_the_folder(servers: Stand, path: str) -> None:
    other, lse = servers.company[BLUEBONNET], servers.root / str(servers.company[LONE_STAR]) / "lse"
    (lse / "link.lse").symlink_to(servers.root / str(other) / "lse" / "theirs.lse")
    (lse / "linked").symlink_to(servers.root / str(other) / "lse")
    (lse / ".hidden.part").write_text("not whole yet")
    os.mkfifo(lse / "pipe")
    wanted = path.format(other=other, root=servers.root)

    def work(client: Client) -> list[str]:
        answers = [client.said(f"{command} {wanted}") for command in ("CWD", "SIZE", "MDTM", "MLST", "STAT")]
        with pytest.raises(ftplib.Error) as refused:
            client.fetched(wanted)
        return [*answers, str(refused.value), *client.listed("/lse"), *client.nlst("/lse")]

    answers = await servers.ftps(work)
    assert [answer[0] for answer in answers[:4]] == ["5"] * 4
    assert answers[5][0] == "5"
    assert not any("bluebonnet" in answer for answer in answers)
    assert answers[-1] == "mine.lse", "links, pipes and hidden files are not even listed"


async def test_nobody_signs_in_in_the_clear(servers: Stand) -> None:
    def work(client: Client) -> list[str]:
        plain = ftplib.FTP(timeout=20)
        plain.connect("127.0.0.1", servers.ftps_port)
        with pytest.raises(ftplib.error_perm) as refused:
            plain.login(LONE_STAR, PASSWORDS[LONE_STAR])
        plain.close()
        return [str(refused.value)]

    assert await servers.ftps(work, None) == ["550 SSL/TLS required on the control channel."]


async def test_no_data_travels_in_the_clear(servers: Stand) -> None:
    def work(client: Client) -> list[str]:
        client.login(LONE_STAR, PASSWORDS[LONE_STAR])
        return [client.said(command) for command in ("PASV", "EPSV", "PROT C", "PASV")]

    answers = await servers.ftps(work, None)
    assert [answer[:3] for answer in answers] == ["550", "550", "534", "550"]


async def test_a_change_of_mind_after_pasv_does_not_lay_the_data_open(servers: Stand) -> None:
    """PROT P, PASV, PROT C, connect: the library alone would then send the file in the clear."""

    def work(client: Client) -> tuple[str, bytes]:
        host, port = client.makepasv()
        answer = client.said("PROT C")
        with socket.create_connection((host, port), timeout=20) as plain:
            client.putcmd("RETR lse/mine.lse")
            plain.settimeout(2)
            try:
                received = plain.recv(100)
            except TimeoutError:
                received = b""
        client.close()
        return answer, received

    answer, received = await servers.ftps(work)
    assert answer.startswith("534")
    assert b"lone star" not in received


async def test_old_tls_is_refused(servers: Stand) -> None:
    def work(client: Client) -> str:
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.load_verify_locations(servers.tls / "ca.pem")
        old.set_ciphers("ALL:@SECLEVEL=0")
        with pytest.warns(DeprecationWarning, match="TLSv1_1 is deprecated"):
            old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_1
        with Client(context=old, timeout=20) as other:
            other.connect("127.0.0.1", servers.ftps_port)
            with pytest.raises((ssl.SSLError, OSError, EOFError)):
                other.auth()
        return client.said("NOOP")

    assert (await servers.ftps(work)).startswith("200")


@pytest.mark.parametrize(
    "command",
    ["STOR lse/new.lse", "APPE lse/mine.lse", "STOU", "DELE lse/mine.lse", "RNFR lse/mine.lse", "MKD new", "RMD lse",
     "SITE CHMOD 777 lse/mine.lse", "MFMT 20200101000000 lse/mine.lse", "PORT 127,0,0,1,4,1", "EPRT |1|127.0.0.1|1025|",
     "ALLO 5", "SITE HELP", "CLNT x"],
)  # fmt: skip
async def test_nothing_writes_and_the_server_connects_to_nobody(servers: Stand, command: str) -> None:
    assert (await servers.ftps(lambda client: client.said(command)))[0] == "5"
    lse = servers.root / str(servers.company[LONE_STAR]) / "lse"
    assert {path.name: path.read_bytes() for path in lse.iterdir()} == {"mine.lse": b"lone star\n"}


async def test_an_upload_is_refused(servers: Stand) -> None:
    def work(client: Client) -> str:
        with pytest.raises(ftplib.error_perm) as refused:
            client.storbinary("STOR lse/new.lse", io.BytesIO(b"x"))
        return str(refused.value)

    assert (await servers.ftps(work))[0] == "5"


@pytest.mark.parametrize("status", [CompanyStatus.SUSPENDED, CompanyStatus.REVOKED, CompanyStatus.PENDING])
async def test_a_company_that_is_not_active_is_out_at_its_next_command(servers: Stand, status: CompanyStatus) -> None:
    loop = asyncio.get_running_loop()

    def work(client: Client) -> tuple[str, str]:
        before = client.said("PWD")
        asyncio.run_coroutine_threadsafe(servers.suspend(LONE_STAR, status), loop).result(20)
        return before, client.said("PWD")

    before, after = await servers.ftps(work)
    assert (before[:3], after[:3]) == ("257", "421")
    with pytest.raises(ftplib.error_perm, match="530"):
        await servers.ftps(lambda client: None)
    assert await servers.ftps(lambda client: client.nlst("lse"), BLUEBONNET) == ["theirs.lse"]


async def test_a_revoked_credential_is_out_at_its_next_command(servers: Stand) -> None:
    loop = asyncio.get_running_loop()
    ending = partial(credentials.revoke, user_name=LONE_STAR, now=SystemClock().now())

    def work(client: Client) -> str:
        asyncio.run_coroutine_threadsafe(servers.database.write(ending), loop).result(20)
        return client.said("SIZE lse/mine.lse")

    assert (await servers.ftps(work))[:3] == "421"


async def test_a_wrong_password_an_unknown_name_and_another_case_are_answered_alike(servers: Stand) -> None:
    def work(client: Client) -> list[str]:
        client.auth()
        answers = []
        for user, password in ((LONE_STAR, "wrong"), ("nobody", "wrong"), ("LoneStar", PASSWORDS[LONE_STAR])):
            client.sendcmd(f"USER {user}")
            answers.append(client.said(f"PASS {password}"))
        return answers

    answers = await servers.ftps(work, None)
    assert set(answers) == {"530 Wrong user name or password."}


async def test_the_process_stays_where_it_is(servers: Stand) -> None:
    """The library changes the working folder of the whole process for a CWD, if it is let."""
    here = Path.cwd()
    await servers.ftps(lambda client: client.cwd("/lse"))
    assert Path.cwd() == here
