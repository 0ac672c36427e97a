"""A prepayment terminal: credit that is used up by energy at the price that it hears, and topped up by codes.

Amounts are in the currency's ten-thousandths. Source: ZigBee Smart Energy 1.4, D.7 (Prepayment).
"""

from datetime import datetime
from typing import Any

from gateway.clock import Clock
from simulators.han import wire
from simulators.han.display import Display
from simulators.zigbee.behaviour import Event
from simulators.zigbee.devices.display import PriceClient
from simulators.zigbee.devices.panel import Client, Errands, NoSuchButton
from simulators.zigbee.octets import Octets, unsigned
from simulators.zigbee.uplink import Uplink
from simulators.zigbee.zcl import BITMAP8, BITMAP16, INT32, SUCCESS, UNSUPPORTED_CLUSTER_COMMAND, Command, Reply, Value

PREPAYMENT = 0x0705
CONFIGURATION, CREDIT, EMERGENCY_CREDIT, CREDIT_STATUS = 0x0000, 0x0001, 0x0002, 0x0003
SELECT_EMERGENCY, TOP_UP, TOP_UP_RESPONSE = 0x00, 0x04, 0x03
_ENABLED, _PREPAYMENT_MODE = 0x0001, 0x0002
CREDIT_OK, LOW, EXHAUSTED, EMERGENCY_SELECTED, EMERGENCY_ENABLED = 0x01, 0x02, 0x10, 0x08, 0x04
ACCEPTED, INVALID_CODE = 0x00, 0x01
_FIRST_CREDIT, _EMERGENCY, _LOW_AT = 100_000, 50_000, 20_000
_SCALE = 10_000
_LOAD_W = 800
"""What the home takes on average: a terminal of the laboratory has no meter of its own to ask."""


class Account:
    """The credit of one terminal at an instant."""

    def __init__(self) -> None:
        self.credit, self.emergency, self.selected = _FIRST_CREDIT, _EMERGENCY, False
        self.used_codes: set[bytes] = set()

    @property
    def status(self) -> int:
        """The bits of the credit status attribute."""
        bits = CREDIT_OK if self.credit > _LOW_AT else LOW if self.credit > 0 else EXHAUSTED
        bits |= EMERGENCY_ENABLED * (self.credit <= _LOW_AT and not self.selected)
        return bits | EMERGENCY_SELECTED * self.selected

    def use(self, amount: int) -> None:
        """Pay for energy: from the credit, then from the emergency credit if that was selected."""
        paid = min(amount, max(self.credit, 0))
        self.credit -= paid
        if self.selected:
            self.emergency = max(0, self.emergency - (amount - paid))

    def top_up(self, code: bytes) -> int | None:
        """The value of a code, which counts once; None if it is no code: whole amounts are its last four digits."""
        if len(code) != 20 or not code.isdigit() or code in self.used_codes or len(self.used_codes) > 1000:
            return None
        self.used_codes.add(code)
        value = int(code[-4:]) * _SCALE // 100
        self.credit += value
        return value


class PrepaymentServer(Client):
    """The Prepayment cluster's server."""

    def __init__(self, account: Account) -> None:
        self._account = account

    @property
    def values(self) -> dict[int, Value]:  # type: ignore[override]  # they are the account's
        """Mode, both credits and their status."""
        return {
            CONFIGURATION: Value(BITMAP16, _ENABLED | _PREPAYMENT_MODE),
            CREDIT: Value(INT32, self._account.credit),
            EMERGENCY_CREDIT: Value(INT32, self._account.emergency),
            CREDIT_STATUS: Value(BITMAP8, self._account.status),
        }

    def command(self, command: Command) -> Reply | int | None:
        """Emergency credit is selected, or a code is typed in."""
        octets, account = Octets(command.body), self._account
        match command.header.command:
            case 0x00:
                octets.take(5)
                account.selected = True
                return SUCCESS
            case 0x04:
                origin, code = octets.unsigned(1), octets.counted()
                value = account.top_up(code)
                result = INVALID_CODE if value is None else ACCEPTED
                told = unsigned(result, 1) + unsigned(value or 0, 4) + unsigned(origin, 1)
                return Reply(TOP_UP_RESPONSE, told + unsigned(max(account.credit, 0), 4))
        return UNSUPPORTED_CLUSTER_COMMAND


class PrepaymentBehaviour:
    """simulators.zigbee.behaviour.Behaviour of a terminal, and its front."""

    def __init__(self, clock: Clock) -> None:
        self.account, self.errands, self.display = Account(), Errands(), Display("Prepayment terminal")
        self.server = PrepaymentServer(self.account)
        self.price = PriceClient(self.display, self.errands, clock)

    def told(self, event: Event) -> None:
        """Credit stays whatever becomes of the network."""

    async def live(self, uplink: Uplink) -> None:
        """Pay for each minute's energy at the price that holds."""
        self.errands.add(wire.PRICE, wire.GET_CURRENT_PRICE, wire.get_current_price(awake=True))
        while True:
            await self.errands.say(uplink)
            began_s = uplink.clock.monotonic()
            await self.errands.rest(uplink, 60.0)
            price = self.display.price_at(uplink.clock.now())
            if price is not None:
                kwh = _LOAD_W / 1000 * (uplink.clock.monotonic() - began_s) / 3600
                self.account.use(round(kwh * price.price * _SCALE / 10**price.digits))

    def shows(self, now: datetime) -> dict[str, Any]:
        """The credit as the terminal shows it."""
        price = self.display.price_at(now)
        return {
            "credit": self.account.credit / _SCALE,
            "emergency_credit": self.account.emergency / _SCALE,
            "emergency_selected": self.account.selected,
            "price": None if price is None else price.price / 10**price.digits,
        }

    def press(self, button: str, event: int | None, now: datetime) -> None:
        """emergency selects the emergency credit."""
        if button != "emergency":
            raise NoSuchButton("a prepayment terminal has the button emergency")
        self.account.selected = True
