"""Fixtures of the bus: the places where its contract must hold, and messages to send."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.mqtt.places import BrokerPlace, MemoryPlace, Place, embedded, mosquitto


@pytest.fixture(params=["memory", "embedded", "mosquitto"])
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    """Each place in turn."""
    if request.param == "memory":
        yield MemoryPlace()
    else:
        async with embedded() if request.param == "embedded" else mosquitto(tmp_path) as broker:
            yield broker


@pytest.fixture(params=["embedded", "mosquitto"])
async def broker(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[BrokerPlace]:
    """Each real broker in turn."""
    async with embedded() if request.param == "embedded" else mosquitto(tmp_path) as place:
        yield place
