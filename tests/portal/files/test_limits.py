"""Guessing gets slower, sessions have numbers and ends."""

import asyncio
import ftplib
from pathlib import Path

import asyncssh
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.clock import SystemClock
from gateway.database import Database
from gateway.dice import SeededDice
from portal.accounts.passwords import Passwords
from portal.files.door import FORGOTTEN_S, LONGEST_WAIT_S, Entry, FileDoor, Patience, Shut
from tests.clock import HandClock
from tests.portal.files.stand import LONE_STAR, PASSWORDS, Client, stand
from tests.portal.world import CHEAP


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """SQLite alone: what is counted here is not in a database."""
    return f"sqlite:///{tmp_path}/test.db"


def test_each_wrong_guess_doubles_the_pause_up_to_its_bound_and_a_quiet_hour_forgives(clock: HandClock) -> None:
    patience = Patience(clock)
    assert [patience.miss("10.0.0.7") for _ in range(11)] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    assert patience.wait_s("10.0.0.7") == LONGEST_WAIT_S
    assert patience.wait_s("10.0.0.8") == 0
    clock.set(clock.now().replace(hour=clock.now().hour + 1, second=1))
    assert patience.miss("10.0.0.7") == 1, f"after {FORGOTTEN_S} s"


def test_an_ipv6_network_is_one_guesser(clock: HandClock) -> None:
    patience = Patience(clock)
    patience.miss("2001:db8::1")
    assert patience.wait_s("2001:db8::ffff:2") > 0
    assert patience.wait_s("2001:db8:0:1::1") == 0


@given(addresses=st.lists(st.text(max_size=20), max_size=30))
def test_whatever_an_address_is_it_can_be_counted(addresses: list[str]) -> None:
    patience = Patience(HandClock())
    for address in addresses:
        patience.miss(address)
        assert patience.wait_s(address) > 0
        patience.forgive(address)
        assert patience.wait_s(address) == 0


async def test_while_an_address_waits_even_the_right_password_is_refused(
    database: Database, clock: HandClock, tmp_path: Path
) -> None:
    async with stand(database, tmp_path, SystemClock()):
        door = FileDoor(database, CHEAP, clock, 8)
        assert isinstance(await door.sign_in(LONE_STAR, "wrong", "10.0.0.7"), Shut)
        assert isinstance(await door.sign_in(LONE_STAR, PASSWORDS[LONE_STAR], "10.0.0.7"), Shut)
        assert isinstance(await door.sign_in(LONE_STAR, PASSWORDS[LONE_STAR], "10.0.0.8"), Entry)
        clock.set(clock.now().replace(minute=5))
        assert isinstance(await door.sign_in(LONE_STAR, PASSWORDS[LONE_STAR], "10.0.0.7"), Entry)


async def test_guesses_made_at_once_do_not_all_pass_the_same_pause(
    database: Database, clock: HandClock, tmp_path: Path
) -> None:
    async with stand(database, tmp_path, SystemClock()):
        passwords = Counting(SeededDice(1), memory_kib=8, passes=1)
        door = FileDoor(database, passwords, clock, 8)
        tries = [door.sign_in(LONE_STAR, "wrong", "10.0.0.7") for _ in range(20)]
        assert all(isinstance(answer, Shut) for answer in await asyncio.gather(*tries))
        assert passwords.verified == 1
        others = [door.sign_in(LONE_STAR, PASSWORDS[LONE_STAR], "10.0.0.8") for _ in range(5)]
        assert all(isinstance(answer, Entry) for answer in await asyncio.gather(*others))


class Counting(Passwords):
    """Passwords that count how often one was checked."""

    verified = 0

    async def verify(self, kept: str | None, password: str) -> bool:
        self.verified += 1
        return await super().verify(kept, password)


async def test_a_user_name_has_so_many_sessions_and_no_more(database: Database, tmp_path: Path) -> None:
    async with stand(database, tmp_path, SystemClock(), most_per_user=2) as servers:

        def second(client: Client) -> str:
            with Client(context=client.context, timeout=20) as other:
                other.connect("127.0.0.1", servers.ftps_port)
                with pytest.raises(ftplib.error_perm) as refused:
                    other.login(LONE_STAR, PASSWORDS[LONE_STAR])
                return str(refused.value)

        async with servers.sftp_client() as client:
            assert await servers.ftps(second) == "530 Not signed in."
            with pytest.raises((asyncssh.Error, OSError)):
                async with servers.sftp_client() as one, servers.sftp_client() as too_many:
                    await asyncio.gather(one.listdir("/"), too_many.listdir("/"))
            assert await client.exists("lse")
        await asyncio.sleep(0)
        assert await servers.ftps(lambda client: client.said("PWD")) == '257 "/" is the current directory.'


async def test_an_address_and_the_server_have_so_many_connections(database: Database, tmp_path: Path) -> None:
    async with stand(database, tmp_path, SystemClock(), most_per_address=1) as servers:

        def second(client: Client) -> str:
            other = ftplib.FTP(timeout=20)
            with pytest.raises(ftplib.error_temp) as refused:
                other.connect("127.0.0.1", servers.ftps_port)
            other.close()
            return str(refused.value)[:3]

        assert await servers.ftps(second) == "421"
        async with servers.sftp_client() as client:
            with pytest.raises((asyncssh.Error, OSError)):
                async with servers.sftp_client():
                    pass
            assert await client.exists("lse")


async def test_an_idle_session_ends(database: Database, tmp_path: Path, clock: HandClock) -> None:
    async with stand(database, tmp_path, clock, idle_s=300) as servers:
        sweeping = asyncio.create_task(servers.sftp.run())
        async with servers.ssh() as connection, connection.start_sftp_client() as client:
            assert await client.exists("lse")
            await clock.advance(299)
            assert await client.exists("lse"), "a command makes it young again"
            await clock.advance(311)
            await asyncio.wait_for(connection.wait_closed(), 20)
        sweeping.cancel()
        await asyncio.gather(sweeping, return_exceptions=True)
