"""What the pages of devices show: a device as a row, and a command as a timeline with its countdown (pure)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.han.states import GONE, JOINING
from gateway.han.words import Cause, Stage
from gateway.identifiers import Eui64
from portal.han.shown import Device, DeviceWord, GatewayCommand, TimelineEntry
from portal.han.status import CommandKind, CommandStatus, is_open
from portal.pages.device_words import ANSWERS, COMMANDS, KINDS, STAGES, STATUSES, cause_words, state_of
from portal.pages.read_card import Mark
from portal.pages.read_card import Stage as Step

NOTICES = (
    CommandKind.TEXT,
    CommandKind.PRICE,
    CommandKind.LOAD_CONTROL,
    CommandKind.CANCEL_TEXT,
    CommandKind.CANCEL_LOAD_CONTROL,
    CommandKind.CANCEL_ALL_LOAD_CONTROL,
)
NO_TAKER = "Add a device to the meter that takes this, such as an in-home display for texts and prices."
_WAY = (*JOINING, Stage.ACTIVE)
_AT_ANOTHER_TRY = (CommandStatus.FAILED, CommandStatus.REFUSED, CommandStatus.EXPIRED)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceRow:
    """A device on a page; last_contact_at is None if it was never heard."""

    device: Device
    href: str
    kind: str | None
    maker: str
    state: str
    tag: str
    last_contact_at: datetime | None
    trouble: str

    @property
    def is_active(self) -> bool:
        """Whether it is on the meter's network."""
        return self.device.stage is Stage.ACTIVE

    @property
    def is_gone(self) -> bool:
        """Whether it is not, or not any more."""
        return self.device.stage in GONE

    @property
    def may_remove(self) -> bool:
        """Whether it can be removed: one that left by itself may come back with its key."""
        return self.device.stage not in (Stage.REMOVING, Stage.REMOVED)


def device_row(device: Device, home: str, contacts: Mapping[Eui64, datetime]) -> DeviceRow:
    """A device as a row; home is the address of its meter's devices, contacts when each last said something."""
    info = device.info
    state, tag = state_of(device.stage)
    heard = [at for at in (contacts.get(device.device), info.last_heard_at if info else None) if at is not None]
    if device.stage is Stage.ACTIVE:
        heard.append(device.changed_at)
    return DeviceRow(
        device=device,
        href=f"{home}/{device.device}",
        kind=KINDS[info.type] if info else None,
        maker=" ".join(filter(None, (info.manufacturer, info.model))) if info else "",
        state=state,
        tag=tag,
        last_contact_at=max(heard, default=None),
        trouble=cause_words(device.cause) if device.cause and device.stage in GONE else "",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerRow:
    """Something that a device said."""

    word: DeviceWord
    words: str
    tag: str


def answer_rows(said: Iterable[DeviceWord]) -> list[AnswerRow]:
    """What devices said, in words."""
    return [AnswerRow(word=each, words=ANSWERS[each.answer][0], tag=ANSWERS[each.answer][1]) for each in said]


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRow:
    """A command in a list."""

    command: GatewayCommand
    href: str
    words: str
    status: str
    tag: str


def command_row(command: GatewayCommand, home: str) -> CommandRow:
    """A command as a row; home is the address under which commands stand."""
    status, tag = STATUSES[command.status]
    return CommandRow(
        command=command, href=f"{home}/{command.id}", words=COMMANDS[command.kind], status=status, tag=tag
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandCard:
    """A command as it goes; closes_at is the end of a join's window while that is awaited."""

    command: GatewayCommand
    title: str
    status: str
    tag: str
    steps: tuple[Step, ...]
    closes_at: datetime | None
    left_s: int | None
    cause: str
    took_s: float | None

    @property
    def is_open(self) -> bool:
        """Whether it is under way."""
        return is_open(self.command.status)

    @property
    def is_notice(self) -> bool:
        """Whether it tells devices something, which they may answer."""
        return self.command.kind in NOTICES

    @property
    def awaits_answers(self) -> bool:
        """Whether devices that were told something may still answer."""
        return self.is_notice and self.command.status is CommandStatus.DONE

    @property
    def next_step(self) -> str:
        """What to do after a failure."""
        if self.command.device is None and self.command.cause is Cause.UNKNOWN_DEVICE:
            return NO_TAKER
        return self.command.next_step or ""

    @property
    def may_cancel(self) -> bool:
        """Whether it is a join that can be cancelled."""
        return self.command.kind is CommandKind.JOIN and self.is_open

    @property
    def may_retry(self) -> bool:
        """Whether it is a join that came to nothing."""
        return self.command.kind is CommandKind.JOIN and self.command.status in _AT_ANOTHER_TRY

    @property
    def is_mistyped(self) -> bool:
        """Whether the label should be compared first."""
        return self.command.cause in (Cause.WRONG_INSTALL_CODE, Cause.BAD_INSTALL_CODE, Cause.WRONG_MAC)

    @property
    def words(self) -> str:
        """What is said aloud when it changes."""
        if not self.is_open:
            return f"{self.title}: {self.status}.{f' {self.cause}.' if self.cause else ''}"
        now = next((step.label for step in self.steps if step.mark is Mark.NOW), self.status)
        return f"{self.title}: {now}."


def command_card(command: GatewayCommand, key_s: float, now: datetime) -> CommandCard:
    """A command at an instant; key_s is how long a join may take for its key after its window."""
    status, tag = STATUSES[command.status]
    about = "" if command.device is None else f" of {command.device}"
    closes_at = _closes_at(command, key_s)
    ended = None if command.ended_at is None else (command.ended_at - command.asked_at).total_seconds()
    return CommandCard(
        command=command,
        title=f"{COMMANDS[command.kind]}{about if command.kind not in NOTICES else ''}",
        status=status,
        tag=tag,
        steps=tuple(_join_steps(command) if command.kind is CommandKind.JOIN else _steps(command)),
        closes_at=closes_at,
        left_s=None if closes_at is None else max(0, int((closes_at - now).total_seconds())),
        cause=cause_words(command.cause) if command.cause else "",
        took_s=ended if ended is not None and ended >= 0 else None,
    )


def _closes_at(command: GatewayCommand, key_s: float) -> datetime | None:
    """When an open join's window closes, while the device has not joined; the message's deadline has its length."""
    if command.kind is not CommandKind.JOIN or not is_open(command.status) or command.deadline_at is None:
        return None
    reached = {entry.stage: entry.at for entry in command.timeline}
    if Stage.WINDOW_OPEN not in reached or Stage.JOINED in reached:
        return None
    window = command.deadline_at - command.asked_at - timedelta(seconds=key_s)
    return reached[Stage.WINDOW_OPEN] + window


def _join_steps(command: GatewayCommand) -> list[Step]:
    """What was reached with the time that each step took, then what is ahead or where it ended."""
    reached: dict[Stage, TimelineEntry] = {}
    for entry in command.timeline:
        reached.setdefault(entry.stage, entry)
    past = [stage for stage in _WAY if stage in reached]
    steps = [Step(label="Asked", at=command.asked_at, mark=Mark.DONE)]
    before = command.asked_at
    for stage in past:
        at = reached[stage].at
        steps.append(Step(label=STAGES[stage], at=at, mark=Mark.DONE, after_s=_after(before, at)))
        before = at
    if not is_open(command.status):
        return steps if command.status is CommandStatus.DONE else [*steps, _bad_end(command, before)]
    last = steps[-1]
    steps[-1] = Step(label=last.label, at=last.at, mark=Mark.NOW, after_s=last.after_s)
    furthest = _WAY.index(past[-1]) + 1 if past else 0
    return steps + [Step(label=STAGES[stage], at=None, mark=Mark.AHEAD) for stage in _WAY[furthest:]]


def _steps(command: GatewayCommand) -> list[Step]:
    """Any other command: asked, sent to its gateway, what its device went through, and its end."""
    reached = [(STAGES[entry.stage], entry.at) for entry in command.timeline if entry.stage is not Stage.FAILED]
    told = [("Asked", command.asked_at), ("Sent to the gateway", command.sent_at), *reached]
    steps, before = [], command.asked_at
    for label, at in told:
        if at is not None:
            after_s = None if label == "Asked" else _after(before, at)
            steps.append(Step(label=label, at=at, mark=Mark.DONE, after_s=after_s))
            before = at
    if command.status is CommandStatus.DONE:
        after_s = None if command.ended_at is None else _after(before, command.ended_at)
        return [*steps, Step(label="Done", at=command.ended_at, mark=Mark.DONE, after_s=after_s)]
    if not is_open(command.status):
        return [*steps, _bad_end(command, before)]
    last = steps[-1]
    return [
        *steps[:-1],
        Step(label=last.label, at=last.at, mark=Mark.NOW, after_s=last.after_s),
        Step(label="Done", at=None, mark=Mark.AHEAD),
    ]


def _bad_end(command: GatewayCommand, before: datetime) -> Step:
    at = command.ended_at
    return Step(
        label=STATUSES[command.status][0],
        at=at,
        mark=Mark.BAD,
        after_s=None if at is None else _after(before, at),
    )


def _after(before: datetime, at: datetime) -> float | None:
    """Seconds between two steps; None where the portal's clock and the gateway's contradict each other."""
    seconds = (at - before).total_seconds()
    return seconds if 0 <= seconds < 3600 else None
