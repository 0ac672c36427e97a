"""What goes on the air from a join to a price, as Wireshark reads it: nothing is strange to it, the values are ours."""

import csv
import re
from dataclasses import replace
from pathlib import Path

from gateway.han.notices import Answer
from tests.simulators.air.tshark import dissected
from tests.world.homestead import LIMIT_S, PLAN, homestead
from tests.world.test_home import PRICE, TEXT


async def test_wireshark_reads_a_join_a_read_a_price_and_a_text_as_we_do(tmp_path: Path) -> None:
    capture, keys = tmp_path / "air.pcapng", tmp_path / "keys"
    async with homestead(tmp_path, replace(PLAN, capture=capture, keys=keys)) as here:
        display, submeter = here.label("display"), here.label("submeter")
        await here.join(display)
        await here.join(submeter)
        read = await here.driver.read(here.assignment(submeter), LIMIT_S)
        await here.send(display, PRICE)
        await here.hears(display, Answer.PRICE_ACKNOWLEDGED, PRICE.event)
        await here.send(display, TEXT)
        here.press(display, "ok")
        await here.hears(display, Answer.TEXT_CONFIRMED, TEXT.event)
    with keys.open(encoding="utf-8") as file:
        known = [bytes.fromhex(row[0].replace(":", "")) for row in csv.reader(file)]
    seen = dissected(capture, known, "-V")
    assert [trouble for trouble in ("Malformed", "Encrypted Payload", "Expert Info") if trouble in seen] == []
    for said in (
        "Command Frame: Transport Key",
        "Confirm Key Data Response",
        f"Price: {PRICE.price}\n",
        f"Rate Label: {PRICE.label}\n",
        "Command: Price Acknowledgement",
        f"Message: {TEXT.text}\n",
        "Command: Message Confirmation",
    ):
        assert said in seen, said
    assert re.findall(r"Current Summation Delivered.*\n.*Success.*\n.*\n\s*Uint48: (\d+)", seen) == [
        str(read.delivered_wh)
    ]
