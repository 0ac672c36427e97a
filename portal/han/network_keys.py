"""Asking a gateway to change its network's key: for the TDSP whose gateway it is, and for nobody else."""

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.han.messages import RotateNetworkKey
from gateway.identifiers import GatewayId, RequestId
from portal.han.ask import DeviceRefusal, DeviceRefused, Given, Sent
from portal.han.commands import NewCommand, add_command
from portal.han.history import is_gateway_of
from portal.han.settings import DeviceSettings
from portal.han.status import CommandKind
from portal.viewer import Viewer


async def ask_rotation(
    connection: AsyncConnection,
    viewer: Viewer,
    command_id: RequestId,
    gateway: GatewayId,
    driver: str | None,
    settings: DeviceSettings,
    now: datetime,
) -> tuple[Given | DeviceRefused, Sent]:
    """Give the command; which of its drivers form a network the gateway knows, and decides."""
    if not await is_gateway_of(connection, viewer, gateway):
        words = f"You have no gateway {gateway}."
        return DeviceRefused(reason=DeviceRefusal.NO_SUCH_GATEWAY, words=words), []
    deadline_at = now + timedelta(seconds=settings.rotate_s)
    message = RotateNetworkKey(id=command_id, driver=driver, requested_at=now, deadline_at=deadline_at)
    new = NewCommand(message=message, kind=CommandKind.ROTATE_KEY, gateway=gateway, account_id=viewer.account_id)
    await add_command(connection, new, now)
    return Given(id=command_id), [(gateway, message)]
