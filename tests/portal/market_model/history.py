"""Histories of the market, each drawn from a seed: every step is done to the real market and to the naive one."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any, TypeVar

from sqlalchemy import insert, select

from gateway.identifiers import Duns, EsiId, MeterNumber
from gateway.market_notices import (
    EsiIdCreated,
    EsiIdRetired,
    MarketNotice,
    MeterExchanged,
    MeterFields,
    MeterInstalled,
    MeterProvisioned,
    PremiseFields,
    RepChange,
    RepOfRecordChanged,
)
from portal.accounts.machine import AccountAction
from portal.accounts.tables import accounts, duns_grants
from portal.administration.changes import AccountEdit, change_statuses, edit_account
from portal.administration.companies import change_company_status, change_duns_status
from portal.administration.profile import ProfileForm, save_profile
from portal.approvals.account_queue import Approval, Decline, Permissions, decide_account
from portal.approvals.company_queue import decide_company
from portal.approvals.duns_queue import decide_number
from portal.companies.kinds import Kind
from portal.companies.machines import CompanyAction, DunsAction
from portal.companies.tables import companies, duns_numbers
from portal.faults import PeopleRefused
from portal.meters.tables import attachments
from portal.registration.access_request import AskedRole, check_request, request_access
from portal.registration.new_company import RegisteredCompany, check_new_company, register_company
from tests.portal.market_model.naive import MOST_ADMINISTRATORS, Account, Company, Naive, Number, Word
from tests.portal.market_model.stage import GULF, POOL, WIRES, Stage
from tests.portal.people.stand import company_form, person_form
from tests.portal.world import esi

T = TypeVar("T")

PREMISES = 5
NAMES = ("Pecan Power", "Sabine Light", "Alamo Energy")
KINDS = {"rep": Kind.REP, "tdsp": Kind.TDSP, "third_party": Kind.THIRD_PARTY}
COUNTED = ("approved", "active", "locked", "suspended")
ACCOUNT_AFTER = {
    "suspend": (("approved", "active", "locked"), "suspended"),
    "reinstate": (("suspended",), "active"),
    "revoke": (("approved", "active", "locked", "suspended"), "revoked"),
}
COMPANY_AFTER = {
    "suspend": (("active",), "suspended"),
    "reinstate": (("suspended",), "active"),
    "revoke": (("approved", "active", "suspended"), "revoked"),
}
DUNS_AFTER = {
    "suspend": (("active",), "suspended"),
    "reinstate": (("suspended",), "active"),
    "revoke": (("active", "suspended"), "revoked"),
}


def begin(stage: Stage) -> Naive:
    """The naive market as the real one begins: what was seeded, read once."""
    now = stage.clock.now()
    naive = Naive(now)
    for row in stage.rows(select(companies)):
        naive.companies[row.id] = Company(row.kind.value, row.name, row.status.value, now)
    for row in stage.rows(select(accounts)):
        naive.accounts[row.id] = Account(row.company_id, row.status.value, now, row.administrator)
    for row in stage.rows(select(duns_numbers)):
        naive.numbers[row.id] = Number(row.company_id, str(row.duns), row.status.value, now)
    naive.granted = {(row.account_id, row.duns_id) for row in stage.rows(select(duns_grants))}
    return naive


@dataclass
class History:
    """One history; story tells what was done."""

    stage: Stage
    naive: Naive
    dice: Random
    story: list[str] = field(default_factory=list)
    count: int = 0
    name: str = "opening"

    async def open(self) -> None:
        """Give every party a meter to look at."""
        for number, duns in ((1, POOL[0]), (2, POOL[1]), (3, POOL[0])):
            tdsp = WIRES if number < 3 else GULF
            meter = self.fresh_meter()
            for word in (Word("created", self.when(0)), Word("installed", self.when(0), meter)):
                await self.tell(tdsp, esi(number), word)
            await self.tell(tdsp, esi(number), Word("provisioned", self.when(0), meter))
            await self.tell(tdsp, esi(number), Word("move_in", self.when(0), duns=duns))

    async def step(self) -> None:
        """Do the next thing."""
        await self.pass_time(timedelta(seconds=1))
        steps, weights = zip(*STEPS, strict=True)
        chosen: Callable[[History], Awaitable[None]] = self.dice.choices(steps, weights)[0]
        await chosen(self)

    def some(self, things: Iterable[T]) -> T | None:
        """One of some things."""
        listed = list(things)
        return self.dice.choice(listed) if listed else None

    def told(self, *words: object) -> None:
        """What is done is told if it comes out wrong."""
        self.story.append(" ".join(map(str, words)))

    def when(self, offset_s: float) -> Any:
        """An instant at which nothing else happens."""
        self.count += 1
        return self.naive.now + timedelta(seconds=offset_s, microseconds=self.count - 1_000_000)

    def fresh_meter(self) -> str:
        """The number of a meter that never hung anywhere."""
        self.count += 1
        return f"M{self.count:06d}"

    async def pass_time(self, time: timedelta) -> None:
        """Let time pass, and what falls due on the way happen."""
        end = self.naive.now + time
        while True:
            due = min(self.naive.next_due(), default=end)
            self.stage.clock.set(min(due, end))
            if due <= end or time > timedelta(seconds=1):
                await self.stage.settle_due()
            self.naive.move_to(min(due, end))
            if due >= end:
                return

    # Who does what.

    def administrator_of(self, company_id: int | None) -> int:
        """Mostly somebody who may answer for a company; sometimes anybody."""
        fitting = [
            key
            for key, who in self.naive.accounts.items()
            if who.administrator and self.naive.may_enter(key) and who.company == company_id
        ]
        return self.anybody_but(fitting)

    def judge_of(self, kind: str) -> int:
        """Mostly somebody who decides upon a kind of company."""
        deciding = "tdsp" if kind == "rep" else "operator"
        return self.anybody_but([key for key in self.naive.accounts if self.is_judge(key, deciding)])

    def is_judge(self, account_id: int, kind: str) -> bool:
        """Whether somebody is an administrator of a kind who may enter."""
        is_it = self.naive.accounts[account_id].administrator and self.naive.kind(account_id) == kind
        return is_it and self.naive.may_enter(account_id)

    def anybody_but(self, fitting: list[int]) -> int:
        """One of those who may, or one in eight times whoever."""
        chosen = None if self.dice.random() < 0.125 else self.some(fitting)
        return chosen if chosen is not None else self.dice.choice(list(self.naive.accounts))

    def may_change(self, by: int, company_id: int | None) -> bool:
        """ADM-01: an administrator changes the accounts of the own company, the operating team's of every other."""
        who = self.naive.accounts[by]
        if company_id is None or not who.administrator or not self.naive.may_enter(by):
            return False
        return who.company == company_id or self.naive.kind(by) == "operator"

    # The steps.

    async def register_company(self) -> None:
        naive, dice = self.naive, self.dice
        kind = dice.choice(["rep", "rep", "rep", "tdsp", "third_party"])
        name = dice.choice(NAMES)
        duns = [] if kind == "third_party" else dice.sample(POOL, dice.choice([1, 2]))
        self.count += 1
        user = f"founder.{self.name}.{self.count}"
        self.told("register", kind, name, duns, user)
        new = check_new_company(company_form(name=name, duns=list(duns)), person_form(user), KINDS[kind])
        assert not isinstance(new, PeopleRefused), new
        found = await self.stage.run(lambda act: register_company(act, new))
        taken = any(each.name == name and each.status != "revoked" for each in naive.companies.values())
        stands = any(each.duns in duns and each.status != "revoked" for each in naive.numbers.values())
        assert isinstance(found, RegisteredCompany) is not (taken or stands), (found, taken, stands)
        if isinstance(found, RegisteredCompany):
            naive.companies[found.company_id] = Company(kind, name, "pending", naive.now)
            naive.accounts[found.account_id] = Account(found.company_id, "pending", naive.now, administrator=True)
            for row in self.stage.rows(select(duns_numbers).where(duns_numbers.c.company_id == found.company_id)):
                naive.numbers[row.id] = Number(found.company_id, str(row.duns), "pending", naive.now)
            assert {n.duns for n in naive.numbers.values() if n.company == found.company_id} == set(duns)

    async def decide_company(self) -> None:
        naive, dice = self.naive, self.dice
        pending = [key for key, company in naive.companies.items() if company.status == "pending"]
        company_id = self.some(pending) or self.some(naive.companies) or 0
        company = naive.companies[company_id]
        by, yes = self.judge_of(company.kind), dice.random() < 0.85
        self.told("decide company", company_id, "by", by, yes)
        credential = await self.stage.portal.credentials.make()
        given = credential if yes else None
        await self.stage.act(by, lambda act, who: decide_company(act, who, company_id, given, "why"))
        judge = "tdsp" if company.kind == "rep" else "operator"
        if company.status != "pending" or not self.is_judge(by, judge):
            return
        if not yes:
            naive.drop_company(company_id)
            return
        company.status, company.since = "approved", naive.now
        for number in naive.numbers.values():
            if number.company == company_id and number.status == "pending":
                number.status, number.since = "active", naive.now
        for account_id, who in naive.accounts.items():
            if who.company == company_id:
                who.status, who.since, who.owes = "approved", naive.now, True
                self.stage.secrets[account_id] = credential.secret

    async def ask_for_access(self) -> None:
        naive, dice = self.naive, self.dice
        staffed = [key for key, each in naive.companies.items() if each.kind != "operator"]
        company_id = self.some(staffed) or 0
        role = dice.choice(list(AskedRole))
        self.count += 1
        user = f"person.{self.name}.{self.count}"
        self.told("ask for access", company_id, role, user)
        checked = check_request(person_form(user))
        assert not isinstance(checked, PeopleRefused), checked
        found = await self.stage.run(lambda act: request_access(act, company_id, role, checked))
        is_open = naive.companies[company_id].status == "active"
        assert isinstance(found, PeopleRefused) is not is_open, found
        if not isinstance(found, PeopleRefused):
            administrator = role is AskedRole.ADMINISTRATOR
            naive.accounts[found.account_id] = Account(company_id, "pending", naive.now, administrator)

    async def decide_account(self) -> None:
        naive, dice = self.naive, self.dice
        pending = [key for key, who in naive.accounts.items() if who.status == "pending"]
        account_id = self.some(pending) or self.some(naive.accounts) or 0
        who = naive.accounts[account_id]
        by, yes, quick = self.administrator_of(who.company), dice.random() < 0.85, dice.random() < 0.5
        held = [key for key, number in naive.numbers.items() if number.company == who.company]
        wanted = dice.sample(held, dice.randint(0, len(held)))
        self.told("decide account", account_id, "by", by, yes, "quick" if quick else wanted)
        credential = await self.stage.portal.credentials.make()
        chosen = Permissions(duns=frozenset(Duns(naive.numbers[key].duns) for key in wanted))
        answer = Approval(credential=credential, permissions=None if quick else chosen) if yes else Decline(comment="n")
        await self.stage.act(by, lambda act, viewer: decide_account(act, viewer, account_id, answer))
        if who.status != "pending" or not self.may_change(by, who.company) or who.company is None:
            return
        if naive.companies[who.company].status != "active":
            return
        if not yes:
            naive.drop_account(account_id)
            return
        numbered = naive.companies[who.company].kind in ("rep", "tdsp")
        if not quick and not who.administrator:
            standing = {naive.numbers[key].duns for key in held if naive.numbers[key].status != "revoked"}
            if not {str(duns) for duns in chosen.duns} <= standing or (numbered and not wanted):
                return
        others = [each for key, each in naive.accounts.items() if key != account_id and each.company == who.company]
        if who.administrator and sum(e.administrator and e.status in COUNTED for e in others) >= MOST_ADMINISTRATORS:
            return
        who.status, who.since, who.owes = "approved", naive.now, True
        self.stage.secrets[account_id] = credential.secret
        if quick:
            wanted = [key for key in held if naive.numbers[key].status in ("active", "suspended")]
        self.grant(account_id, {naive.numbers[key].duns for key in wanted})

    def grant(self, account_id: int, duns: set[str]) -> None:
        """Let somebody hold these numbers of the company, of those that stand, and no others."""
        naive, who = self.naive, self.naive.accounts[account_id]
        naive.granted = {pair for pair in naive.granted if pair[0] != account_id}
        if not who.administrator:
            naive.granted |= {
                (account_id, key)
                for key, number in naive.numbers.items()
                if number.company == who.company and number.duns in duns and number.status != "revoked"
            }

    async def edit_account(self) -> None:
        naive, dice = self.naive, self.dice
        users = [key for key, who in naive.accounts.items() if who.company is not None and not who.administrator]
        account_id = self.some(users) or 1
        who = naive.accounts.get(account_id)
        if who is None:
            return
        by = self.administrator_of(who.company)
        held = sorted({n.duns for n in naive.numbers.values() if n.company == who.company})
        wanted = frozenset(dice.sample(held, dice.randint(0, len(held))))
        self.told("edit account", account_id, "by", by, wanted)
        revision = self.stage.scalar(select(accounts.c.revision).where(accounts.c.id == account_id))
        edit = AccountEdit(revision=revision, permissions=Permissions(duns=frozenset(map(Duns, wanted))))
        await self.stage.act(by, lambda act, viewer: edit_account(act, viewer, account_id, edit))
        if not self.may_change(by, who.company) or who.status in ("pending", "revoked") or who.company is None:
            return
        standing = {n.duns for n in naive.numbers.values() if n.company == who.company and n.status != "revoked"}
        numbered = naive.companies[who.company].kind in ("rep", "tdsp")
        if who.administrator or (wanted <= standing and (wanted or not numbered)):
            self.grant(account_id, set(wanted))

    async def change_account(self) -> None:
        naive, dice = self.naive, self.dice
        account_id = dice.choice(list(naive.accounts))
        who = naive.accounts[account_id]
        action = dice.choices(["suspend", "reinstate", "revoke"], [4, 6, 1])[0]
        if action == "reinstate":
            account_id = self.some(key for key, each in naive.accounts.items() if each.status == "suspended") or 1
            who = naive.accounts.get(account_id) or who
        by = self.administrator_of(who.company if dice.random() < 0.7 else 1)
        self.told(action, "account", account_id, "by", by)
        change = AccountAction(action)
        await self.stage.act(by, lambda act, viewer: change_statuses(act, viewer, [account_id], change, "why"))
        allowed, after = ACCOUNT_AFTER[action]
        if account_id not in naive.accounts or who.status not in allowed or not self.may_change(by, who.company):
            return
        foreign_team = naive.kind(by) == "operator" and naive.accounts[by].company != who.company
        peers = [each for key, each in naive.accounts.items() if key != account_id and each.company == who.company]
        others = any(each.administrator and each.status == "active" for each in peers)
        last = who.administrator and who.status == "active" and not others
        if action != "reinstate" and last and not foreign_team:
            return
        who.status, who.since = after, naive.now

    async def change_company(self) -> None:
        naive, dice = self.naive, self.dice
        action = dice.choices(["suspend", "reinstate", "revoke"], [4, 6, 1])[0]
        suspended = [key for key, each in naive.companies.items() if each.status == "suspended"]
        company_id = (self.some(suspended) if action == "reinstate" else None) or dice.choice(list(naive.companies))
        company = naive.companies[company_id]
        by = self.judge_of("tdsp")
        self.told(action, "company", company_id, "by", by)
        change = CompanyAction(action)
        await self.stage.act(by, lambda act, who: change_company_status(act, who, company_id, change, "why"))
        allowed, after = COMPANY_AFTER[action]
        own = naive.accounts[by].company == company_id
        if own or not self.is_judge(by, "operator") or company.status not in allowed:
            return
        company.status, company.since = after, naive.now
        if action == "revoke":
            self.revoke_all_of(company_id)

    def revoke_all_of(self, company_id: int) -> None:
        """COM-06: with a company all of its accounts are revoked, and its numbers."""
        naive = self.naive
        for key, who in list(naive.accounts.items()):
            if who.company == company_id and who.status == "pending":
                naive.drop_account(key)
            elif who.company == company_id and who.status in COUNTED:
                who.status, who.since = "revoked", naive.now
        for key, number in list(naive.numbers.items()):
            if number.company == company_id and number.status == "pending":
                naive.drop_number(key)
            elif number.company == company_id:
                number.status = "revoked"

    async def change_number(self) -> None:
        naive, dice = self.naive, self.dice
        action = dice.choices(["suspend", "reinstate", "revoke"], [4, 6, 1])[0]
        suspended = [key for key, each in naive.numbers.items() if each.status == "suspended"]
        number_id = (self.some(suspended) if action == "reinstate" else None) or self.some(naive.numbers) or 0
        number = naive.numbers.get(number_id)
        if number is None:
            return
        by = self.judge_of("tdsp")
        self.told(action, "number", number_id, "by", by)
        change, company_id = DunsAction(action), number.company
        await self.stage.act(by, lambda act, who: change_duns_status(act, who, company_id, number_id, change, "why"))
        allowed, after = DUNS_AFTER[action]
        if not self.is_judge(by, "operator") or number.status not in allowed:
            return
        number.status, number.since = after, naive.now
        if action != "revoke":
            return
        for key, who in naive.accounts.items():
            rest = [n for n, each in naive.numbers.items() if naive.holds(key, n) and each.status != "revoked"]
            if naive.holds(key, number_id) and not rest and who.status in COUNTED:
                who.status, who.since = "revoked", naive.now  # DUN-05

    async def save_profile(self) -> None:
        naive, dice = self.naive, self.dice
        numbered = [key for key, each in naive.companies.items() if each.kind == "rep" and each.status == "active"]
        company_id = self.some(numbered)
        if company_id is None:
            return
        by = self.administrator_of(company_id)
        own = {key: number for key, number in naive.numbers.items() if number.company == company_id}
        adds, removes = list[str](), list[int]()
        if dice.random() < 0.7:
            adds = [dice.choice(POOL)]
        else:
            removes = [dice.choice(list(own))] if own else []
        self.told("profile of", company_id, "by", by, "adds", adds, "removes", removes)
        row = self.stage.rows(select(companies).where(companies.c.id == company_id))[0]
        fields = company_form(name=row.name).model_dump(exclude={"duns"})
        form = ProfileForm(
            **fields, revision=row.revision, duns_added=adds, duns_removed=[naive.numbers[key].duns for key in removes]
        )
        if naive.accounts[by].company != company_id:
            return
        await self.stage.act(by, lambda act, who: save_profile(act, who, form))
        if not (naive.accounts[by].administrator and naive.may_enter(by)):
            return
        standing = {number.duns for number in naive.numbers.values() if number.status != "revoked"}
        if set(adds) & standing or any(own[key].status == "revoked" for key in removes):
            return
        left = [number.status for key, number in own.items() if key not in removes and number.status != "revoked"]
        had_active = any(number.status == "active" for number in own.values())
        if removes and (not left or (had_active and "active" not in left)):
            return
        for key in removes:
            naive.drop_number(key)
        for duns in adds:
            found = select(duns_numbers.c.id).where(duns_numbers.c.duns == duns, duns_numbers.c.status != "revoked")
            naive.numbers[self.stage.scalar(found)] = Number(company_id, duns, "pending", naive.now)

    async def decide_number(self) -> None:
        naive, dice = self.naive, self.dice
        pending = [key for key, number in naive.numbers.items() if number.status == "pending"]
        number_id = self.some(pending)
        if number_id is None:
            return
        company = naive.companies[naive.numbers[number_id].company]
        by, yes = self.judge_of(company.kind), dice.random() < 0.85
        self.told("decide number", number_id, "by", by, yes)
        await self.stage.act(by, lambda act, who: decide_number(act, who, number_id, approve=yes, comment="why"))
        judge = "tdsp" if company.kind == "rep" else "operator"
        if company.status == "pending" or not self.is_judge(by, judge):
            return
        if yes:
            naive.numbers[number_id].status, naive.numbers[number_id].since = "active", naive.now
        else:
            naive.drop_number(number_id)

    async def sign_in(self) -> None:
        naive = self.naive
        owing = [key for key, who in naive.accounts.items() if who.owes and key in self.stage.secrets]
        account_id = self.some(owing)
        if account_id is None:
            return
        who = naive.accounts[account_id]
        self.told("first sign-in", account_id)
        await self.stage.sign_in_first(account_id)
        if who.status not in ("approved", "active") or who.company is None:
            return
        company = naive.companies[who.company]
        opens = company.status == "approved" and who.administrator and who.status == "approved"
        if company.status != "active" and not opens:
            return
        if company.kind == "rep" and not naive.active_duns(account_id):
            return
        if who.status == "approved":
            who.status, who.since = "active", naive.now
            if opens:
                company.status, company.since = "active", naive.now  # COM-04
        who.owes, who.question = False, True

    async def lock(self) -> None:
        naive = self.naive
        account_id = self.dice.choice(list(naive.accounts))
        who = naive.accounts[account_id]
        self.told("five wrong passwords", account_id)
        await self.stage.miss(account_id)
        if who.status in ("approved", "active"):
            who.status, who.since = "locked", naive.now  # PER-07

    async def recover(self) -> None:
        naive = self.naive
        account_id = self.some(key for key, who in naive.accounts.items() if who.status == "locked")
        if account_id is None:
            return
        who = naive.accounts[account_id]
        self.told("recover", account_id)
        await self.pass_time(timedelta(hours=2))
        if account_id not in naive.accounts:
            return
        await self.stage.recover(account_id)
        if who.status == "locked" and who.question:
            who.status, who.since, who.owes = "active", naive.now, True  # PER-08
            del self.stage.secrets[account_id]  # what was mailed is in the letter; the old one opens nothing

    async def attach(self) -> None:
        naive, dice = self.naive, self.dice
        customers = [key for key, who in naive.accounts.items() if who.company is None]
        account_id = dice.choice(customers if dice.random() < 0.8 else list(naive.accounts))
        free = [key for key in naive.premises if key not in naive.attached and naive.scene(key).there]
        esi_id = self.some(free)
        if esi_id is None:
            return
        self.told("attach", esi_id, "to", account_id)
        row = {"esi_id": EsiId(esi_id), "account_id": account_id, "attached_at": naive.now}
        await self.stage.database.write(lambda connection: connection.execute(insert(attachments), row))
        naive.attached[esi_id] = (account_id, naive.now)

    async def wait(self) -> None:
        time = self.dice.choice([timedelta(hours=1), timedelta(hours=8), timedelta(days=1), timedelta(days=4)])
        to_the_brink = min(self.naive.next_due(), default=None)
        if to_the_brink is not None and self.dice.random() < 0.3:
            time = max(to_the_brink - self.naive.now - timedelta(microseconds=1), timedelta(seconds=2))
        self.told("wait", time)
        await self.pass_time(time)

    async def market(self) -> None:
        naive, dice = self.naive, self.dice
        esi_id = str(esi(dice.randint(1, PREMISES)))
        duns = dice.choice([WIRES, WIRES, GULF])
        if esi_id in naive.premises and dice.random() < 0.9:
            owner = naive.premises[esi_id].tdsp
            duns = next((n.duns for n in naive.numbers.values() if n.company == owner), duns)
        scene = naive.scene(esi_id) if esi_id in naive.premises else None
        meter = scene.meter if scene is not None else None
        kinds = ["switch", "switch", "move_in", "move_out", "exchanged", "provisioned", "installed", "retired"]
        weights = [4, 4, 4, 3, 3, 3, 1, 0.4] if meter else [2, 2, 2, 1, 0, 0, 8, 0.2]
        what = dice.choices(kinds, weights)[0]
        if scene is None or not scene.there:
            what = "created"
        offset = 0.0 if what == "created" else dice.choice([0, 0, 0, 0, -90_000, -3_000, 3_000, 90_000, 300_000])
        word = Word(what, self.when(offset), meter)
        if what in ("switch", "move_in"):
            word.duns = dice.choice([*POOL, *POOL[:2], WIRES])
        elif what == "installed":
            word.meter = self.fresh_meter()
        elif what == "exchanged":
            word.new = None if dice.random() < 0.2 else self.fresh_meter()
        await self.tell(duns, esi_id, word)

    async def tell(self, duns: str, esi_id: str, word: Word) -> None:
        """A TDSP tells a notice of a premise, which both markets hear."""
        self.told(duns, "tells", esi_id, word.what, word.at, word.meter, word.new, word.duns)
        number = next((n for n in self.naive.numbers.values() if n.duns == duns and n.status != "revoked"), None)
        self.count += 1
        await self.stage.tell(duns, notice_of(f"n-{self.count}", esi_id, word))
        if number is not None:
            self.naive.hear(number.company, duns, str(esi_id), word)


def notice_of(name: str, esi_id: str, word: Word) -> MarketNotice:
    """A word as the notice that a TDSP sends."""
    here, at = EsiId(esi_id), word.at
    if word.what == "created":
        fields = PremiseFields(house_number="7", street_name="Oak", city="Waco", state="TX", zip="76701")
        return EsiIdCreated(id=name, esi_id=here, effective_at=at, premise=fields)
    if word.what == "retired":
        return EsiIdRetired(id=name, esi_id=here, effective_at=at, successor=None)
    if word.what in ("switch", "move_in", "move_out"):
        duns = None if word.duns is None else Duns(word.duns)
        change = RepChange(word.what)
        return RepOfRecordChanged(id=name, esi_id=here, effective_at=at, change=change, rep_duns=duns)
    meter = MeterNumber(word.meter or "NONE")
    if word.what == "installed":
        return MeterInstalled(id=name, esi_id=here, effective_at=at, meter=meter, fields=MeterFields())
    if word.what == "provisioned":
        return MeterProvisioned(id=name, esi_id=here, effective_at=at, meter=meter)
    new = None if word.new is None else MeterNumber(word.new)
    return MeterExchanged(id=name, esi_id=here, effective_at=at, meter=meter, new_meter=new, fields=MeterFields())


STEPS: tuple[tuple[Callable[[History], Awaitable[None]], float], ...] = (
    (History.register_company, 3),
    (History.decide_company, 3),
    (History.ask_for_access, 3),
    (History.decide_account, 4),
    (History.edit_account, 3),
    (History.change_account, 3),
    (History.change_company, 2),
    (History.change_number, 3),
    (History.save_profile, 2),
    (History.decide_number, 1.5),
    (History.sign_in, 4),
    (History.lock, 1),
    (History.recover, 1),
    (History.attach, 3),
    (History.wait, 3),
    (History.market, 12),
)
