"""What the bus says in the log is heard."""

import subprocess
import sys

SPEAK = """
import logging
logging.basicConfig(level=logging.INFO, format="%(message)s")
import mqtt
mqtt.MqttBus
logging.getLogger("mqtt.broker").info("the broker is up")
"""


def test_information_of_ours_shows_though_the_client_library_claims_our_loggers_name() -> None:
    said = subprocess.run([sys.executable, "-c", SPEAK], capture_output=True, text=True, timeout=60, check=True)
    assert said.stderr == "the broker is up\n"
