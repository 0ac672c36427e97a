"""A naive market of plain dicts and sets, written from the guide: what everybody is, and who may see which meter.

It knows nothing of the portal's modules. Where the guide gives a rule, its number stands beside it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

WAITS = timedelta(days=14)
PAUSE = timedelta(minutes=5)
MOST_ADMINISTRATORS = 4


@dataclass
class Company:
    """A company: kind and status as words."""

    kind: str
    name: str
    status: str
    since: datetime


@dataclass
class Account:
    """A person; company None is a customer. owes says that a password of one's own is still to be set."""

    company: int | None
    status: str
    since: datetime
    administrator: bool = False
    owes: bool = False
    question: bool = False


@dataclass
class Number:
    """A DUNS number of a company."""

    company: int
    duns: str
    status: str
    since: datetime


@dataclass
class Word:
    """What a TDSP told of a premise; what is one of created, installed, provisioned, switch, move_in, ..."""

    what: str
    at: datetime
    meter: str | None = None
    new: str | None = None
    duns: str | None = None
    carried: bool = False


@dataclass
class Premise:
    """A premise: whose it is and all that was told of it, in the order of arrival."""

    tdsp: int
    told: list[Word] = field(default_factory=list)


@dataclass
class Scene:
    """A premise at an instant: the REP of record, the meter on the wall, whether its usage has come, who left when."""

    there: bool = False
    retired: bool = False
    rep: str | None = None
    meter: str | None = None
    provisioned: bool = False
    left: list[tuple[Word, datetime]] = field(default_factory=list)


@dataclass
class Naive:
    """The whole market."""

    now: datetime
    companies: dict[int, Company] = field(default_factory=dict)
    accounts: dict[int, Account] = field(default_factory=dict)
    numbers: dict[int, Number] = field(default_factory=dict)
    granted: set[tuple[int, int]] = field(default_factory=set)
    premises: dict[str, Premise] = field(default_factory=dict)
    attached: dict[str, tuple[int, datetime]] = field(default_factory=dict)
    unowned: list[tuple[int, str, Word]] = field(default_factory=list)

    # Who may come in, and what he sees.

    def kind(self, account_id: int) -> str:
        """What somebody is in the market."""
        company = self.accounts[account_id].company
        return "customer" if company is None else self.companies[company].kind

    def holds(self, account_id: int, number_id: int) -> bool:
        """Whether a DUNS number is granted to somebody: administrators have all of their company's (ADM-12)."""
        who, number = self.accounts[account_id], self.numbers[number_id]
        if who.company != number.company:
            return False
        return who.administrator or (account_id, number_id) in self.granted

    def active_duns(self, account_id: int) -> set[str]:
        """The Active numbers that somebody holds."""
        return {
            number.duns
            for number_id, number in self.numbers.items()
            if number.status == "active" and self.holds(account_id, number_id)
        }

    def may_enter(self, account_id: int) -> bool:
        """GATE-01: account, company and, of a REP, a DUNS number must be Active."""
        who = self.accounts[account_id]
        if who.status != "active":
            return False
        if who.company is None:
            return True
        if self.companies[who.company].status != "active":
            return False
        return self.kind(account_id) != "rep" or bool(self.active_duns(account_id))

    def scenes(self) -> dict[str, Scene]:
        """Every premise as of now."""
        return {esi_id: self.scene(esi_id) for esi_id in self.premises}

    def sees(self, account_id: int, scenes: Mapping[str, Scene]) -> dict[str, str]:
        """The meters that somebody sees now, by ESI ID."""
        who, found = self.accounts[account_id], dict[str, str]()
        if who.status != "active":
            return {}
        if who.company is not None and self.companies[who.company].status != "active":
            return {}
        for esi_id, premise in self.premises.items():
            scene = scenes[esi_id]
            if scene.meter is None:
                continue
            if self._is_seen(account_id, esi_id, premise, scene):
                found[esi_id] = scene.meter
        return found

    def _is_seen(self, account_id: int, esi_id: str, premise: Premise, scene: Scene) -> bool:
        kind = self.kind(account_id)
        if kind == "tdsp":
            return premise.tdsp == self.accounts[account_id].company
        if not scene.provisioned:
            return False
        if kind == "rep":
            return scene.rep is not None and scene.rep in self.active_duns(account_id)
        if kind == "customer":
            return esi_id in self.attached and self.attached[esi_id][0] == account_id
        return kind in ("ercot", "puct")

    # What TDSPs tell.

    def scene(self, esi_id: str) -> Scene:
        """A premise as of now, by telling from the beginning what was told of it until now."""
        scene = Scene()
        for word in sorted(self.premises[esi_id].told, key=lambda word: word.at):
            if word.at <= self.now:
                _tell(scene, word)
        return scene

    def hear(self, tdsp: int, duns: str, esi_id: str, word: Word) -> None:
        """A TDSP tells something, if it and its number are Active and the premise is its own."""
        number = next((n for n in self.numbers.values() if n.duns == duns and n.status != "revoked"), None)
        if number is None or number.status != "active" or self.companies[tdsp].status != "active":
            return
        if esi_id not in self.premises:
            if word.what != "created":
                self.unowned.append((tdsp, esi_id, word))
                return
            early = [each for who, where, each in self.unowned if (who, where) == (tdsp, esi_id)]
            self.premises[esi_id] = Premise(tdsp, early)
        if self.premises[esi_id].tdsp != tdsp:
            return
        self.premises[esi_id].told.append(word)
        self.depart(esi_id)

    def depart(self, esi_id: str) -> None:
        """Whoever has left by now loses what he attached before he left, once (ROR-04)."""
        for word, at in self.scene(esi_id).left:
            if not word.carried:
                word.carried = True
                if esi_id in self.attached and self.attached[esi_id][1] <= at:
                    del self.attached[esi_id]

    # What ends by itself.

    def move_to(self, now: datetime) -> None:
        """Time passes, up to an instant: what waited for fourteen days is gone, and what was told takes effect."""
        self.now = now
        over = now - WAITS
        for company_id, company in list(self.companies.items()):
            if company.status in ("pending", "approved") and company.since <= over:
                self.drop_company(company_id)
        for account_id, who in list(self.accounts.items()):
            waiting = who.status in ("pending", "approved") and who.since <= over
            if waiting and who.company is not None and not self._is_forming(who.company):
                self.drop_account(account_id)
        for number_id, number in list(self.numbers.items()):
            waiting = number.status == "pending" and number.since <= over
            if waiting and self.companies[number.company].status != "pending":
                self.drop_number(number_id)
        for esi_id in self.premises:
            self.depart(esi_id)

    def next_due(self) -> Iterator[datetime]:
        """The instants at which something ends or takes effect."""
        for company in self.companies.values():
            if company.status in ("pending", "approved"):
                yield company.since + WAITS
        for who in self.accounts.values():
            if who.status in ("pending", "approved"):
                yield who.since + WAITS
        for number in self.numbers.values():
            if number.status == "pending":
                yield number.since + WAITS
        for premise in self.premises.values():
            yield from (word.at for word in premise.told if word.at > self.now)

    def _is_forming(self, company_id: int) -> bool:
        return self.companies[company_id].status in ("pending", "approved")

    def drop_company(self, company_id: int) -> None:
        """A company that never came to be, with its people and numbers."""
        for account_id in [key for key, who in self.accounts.items() if who.company == company_id]:
            self.drop_account(account_id)
        for number_id in [key for key, number in self.numbers.items() if number.company == company_id]:
            self.drop_number(number_id)
        del self.companies[company_id]

    def drop_account(self, account_id: int) -> None:
        """An account that is deleted."""
        del self.accounts[account_id]
        self.granted = {pair for pair in self.granted if pair[0] != account_id}
        self.attached = {esi: who for esi, who in self.attached.items() if who[0] != account_id}

    def drop_number(self, number_id: int) -> None:
        """A number that is deleted."""
        del self.numbers[number_id]
        self.granted = {pair for pair in self.granted if pair[1] != number_id}


def _tell(scene: Scene, word: Word) -> None:
    """What one word changes; what does not fit changes nothing."""
    if word.what == "created":
        scene.there = True
    elif not scene.there or scene.retired:
        return
    elif word.what in ("switch", "move_in", "move_out"):
        if word.what == "move_out" or (word.what == "move_in" and scene.rep is not None):
            scene.left.append((word, word.at))
        scene.rep = word.duns
    elif word.what == "installed":
        if scene.meter is None:
            scene.meter, scene.provisioned = word.meter, False
    elif word.what == "provisioned":
        scene.provisioned = scene.provisioned or scene.meter == word.meter
    elif word.what == "exchanged":
        if scene.meter == word.meter:
            scene.meter, scene.provisioned = word.new, scene.provisioned and word.new is not None
    elif word.what == "retired":
        scene.left.append((word, word.at))
        scene.rep, scene.meter, scene.retired, scene.provisioned = None, None, True, False
