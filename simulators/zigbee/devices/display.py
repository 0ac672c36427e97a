"""An in-home display on the network: it asks for price and text when it comes, acknowledges, and lets OK be pressed.

Where the trust centre is a meter itself, or has one beside it, the display reads its registers too.
"""

from datetime import datetime
from typing import Any

from gateway.clock import Clock
from simulators.han import registers, wire
from simulators.han.display import Display
from simulators.zigbee.behaviour import Event
from simulators.zigbee.clusters import METERING
from simulators.zigbee.devices.panel import Client, Errands, NoSuchButton
from simulators.zigbee.octets import Octets
from simulators.zigbee.uplink import Unanswered, Uplink
from simulators.zigbee.zcl import SUCCESS, UNSUPPORTED_CLUSTER_COMMAND, Command, Reply

ASK_AGAIN_S = 3600.0
"""How often a display asks for the price again, should it have missed one."""
READ_EVERY_S = 30.0
"""How often it reads the registers, or looks for them again if nobody said whether there are any."""


class PriceClient(Client):
    """Takes prices for a display."""

    def __init__(self, display: Display, errands: Errands, clock: Clock) -> None:
        self.values = {}
        self._display, self._errands, self._clock = display, errands, clock

    def command(self, command: Command) -> Reply | int | None:
        """PublishPrice is shown, and acknowledged where that is asked for."""
        if command.header.command != wire.PUBLISH_PRICE:
            return UNSUPPORTED_CLUSTER_COMMAND
        now = self._clock.now()
        price = wire.published_price(Octets(command.body), now)
        self._display.price_heard(price)
        if price.wants_ack:
            self._errands.add(wire.PRICE, wire.ACKNOWLEDGE_PRICE, wire.price_acknowledgement(price, now))
        return SUCCESS


class MessageClient(Client):
    """Takes texts for a display."""

    def __init__(self, display: Display, clock: Clock) -> None:
        self.values = {}
        self._display, self._clock = display, clock

    def command(self, command: Command) -> Reply | int | None:
        """DisplayMessage is shown, CancelMessage takes it away."""
        octets = Octets(command.body)
        match command.header.command:
            case wire.DISPLAY:
                self._display.text_heard(wire.message(octets, self._clock.now()))
            case wire.CANCEL_MESSAGE:
                self._display.text_cancelled(octets.unsigned(4))
            case _:
                return UNSUPPORTED_CLUSTER_COMMAND
        return SUCCESS


class DisplayBehaviour:
    """simulators.zigbee.behaviour.Behaviour of a display, and its front."""

    def __init__(self, clock: Clock) -> None:
        self.display, self.errands = Display(), Errands()
        self.price = PriceClient(self.display, self.errands, clock)
        self.messages = MessageClient(self.display, clock)

    def told(self, event: Event) -> None:
        """One that has left the network knows nothing any more."""
        if event is Event.LEFT:
            self.display.prices.clear()
            self.display.text = None
            self.display.demand_w = self.display.delivered_wh = None

    async def live(self, uplink: Uplink) -> None:
        """Ask for what holds now, then say what there is to say."""
        while True:
            self.errands.add(wire.PRICE, wire.GET_CURRENT_PRICE, wire.get_current_price(awake=True))
            self.errands.add(wire.MESSAGING, wire.GET_LAST_MESSAGE)
            asked_s, metered = uplink.clock.monotonic(), True
            while (left_s := asked_s + ASK_AGAIN_S - uplink.clock.monotonic()) > 0:
                await self.errands.say(uplink)
                metered = metered and await self._read(uplink)
                await self.errands.rest(uplink, min(left_s, READ_EVERY_S) if metered else left_s)

    async def _read(self, uplink: Uplink) -> bool:
        """Read the registers; whether there may be any. Those of a meter that does not answer are not shown."""
        read: dict[int, int] = {}
        try:
            if await uplink.endpoint(METERING) is None:
                return False
            told = await uplink.read(METERING, *registers.WANTED)
            read = {attribute: each.content for attribute, each in told.items() if isinstance(each.content, int)}
        except Unanswered:
            pass
        self.display.delivered_wh = registers.thousandths(read, registers.DELIVERED)
        self.display.demand_w = registers.thousandths(read, registers.DEMAND)
        return True

    def shows(self, now: datetime) -> dict[str, Any]:
        """Price and text as they stand on the face, and the registers of a meter that was read."""
        price, text = self.display.price_at(now), self.display.text_at(now)
        return {
            "price": None if price is None else price.price / 10**price.digits,
            "label": None if price is None else price.label,
            "text": None if text is None else text.text,
            "confirmed": self.display.confirmed,
            **self._shown_registers(),
        }

    def _shown_registers(self) -> dict[str, Any]:
        delivered_wh, demand_w = self.display.delivered_wh, self.display.demand_w
        return {} if delivered_wh is None else {"delivered_wh": delivered_wh, "demand_w": demand_w}

    def picture(self, now: datetime) -> str:
        """The face as SVG."""
        return self.display.picture(now)

    def press(self, button: str, event: int | None, now: datetime) -> None:
        """OK confirms the text on the face, if it wants that."""
        text = self.display.text_at(now)
        if button != "ok" or text is None or not text.wants_confirmation:
            raise NoSuchButton("a display has the button ok, for a text that wants to be confirmed")
        self.display.confirmed = True
        self.errands.add(wire.MESSAGING, wire.CONFIRM_MESSAGE, wire.confirmation(text.message, now))
