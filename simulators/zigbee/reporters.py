"""Nodes that report by themselves: each has a task from its first configuration on, and nobody else costs anything."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator

from gateway.clock import Clock
from simulators.zigbee import zcl
from simulators.zigbee.aps import SMART_ENERGY, ApsMessage, room
from simulators.zigbee.nodes import SECURED, Node
from simulators.zigbee.reporting import LONGEST_S, Key, Report, ReportTable, is_due, next_look_s, packed

log = logging.getLogger(__name__)


class Reporters:
    """The nodes of one radio that report. here says whether a node is on the network, send sends what it says."""

    def __init__(
        self, clock: Clock, here: Callable[[Node], bool], send: Callable[[Node, ApsMessage], Awaitable[bool]]
    ) -> None:
        self._clock, self._here, self._send = clock, here, send
        self._tasks: dict[int, asyncio.Task[None]] = {}

    def __len__(self) -> int:
        """How many nodes report."""
        return len(self._tasks)

    def attend(self, node: Node) -> None:
        """A node may have been configured: what is new begins now, and it is told when it is due."""
        table = node.reports
        if table is None or not table.touched:
            return
        table.touched = False
        now_s = self._clock.monotonic()
        for key, report in table.reports.items():
            if report.sent_s is None:
                server = _server(node, key)
                report.begin(now_s, None if server is None else server.attribute(key[2]))
        self._stop(node)
        if table.reports:
            self._tasks[node.eui64] = asyncio.create_task(self._run(node, table))

    def end(self, node: Node) -> None:
        """A node has left for good, and forgets what it was to report."""
        self._stop(node)
        node.reports = None

    async def close(self) -> None:
        """No node reports any more; each keeps what it was asked for."""
        tasks = list(self._tasks.values())
        self._tasks.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _stop(self, node: Node) -> None:
        task = self._tasks.pop(node.eui64, None)
        if task is not None:
            task.cancel()

    async def _run(self, node: Node, table: ReportTable) -> None:
        """Sleep until something may be due, and say it; what gets lost on the air is not said again."""
        try:
            while True:
                await self._clock.sleep(_pause_s(node, table, self._clock.monotonic()))
                for message in _due(node, table, self._clock.monotonic()):
                    if self._here(node):
                        await self._send(node, message)
        except Exception:  # the edge of this task
            log.exception("the reports of simulated device %016X broke down", node.eui64)


def _server(node: Node, key: Key) -> zcl.Reportable | None:
    """The server that has an attribute, as long as the node has it."""
    endpoint = node.endpoints.get(key[0])
    server = None if endpoint is None else endpoint.servers.get(key[1])
    return server if isinstance(server, zcl.Reportable) else None


def _pause_s(node: Node, table: ReportTable, now_s: float) -> float:
    """How long nothing can be due; a value cannot change before its meter renews it."""
    looks = [
        next_look_s(report, now_s, server.renewed_s)
        for key, report in table.reports.items()
        if (server := _server(node, key)) is not None
    ]
    return min(looks, default=float(LONGEST_S))


def _due(node: Node, table: ReportTable, now_s: float) -> Iterator[ApsMessage]:
    """The frames of everything that is due now: what goes from one cluster to one client goes together."""
    lines: dict[tuple[int, int, tuple[int, int]], list[tuple[int, Report]]] = {}
    for key, report in sorted(table.reports.items(), key=lambda each: each[0]):
        lines.setdefault((*key[:2], report.to), []).append((key[2], report))
    for (endpoint, cluster, to), reports in lines.items():
        server = _server(node, (endpoint, cluster, 0))
        if server is None:
            continue
        noise, ready = server.sample(), list[tuple[int, zcl.Value]]()
        for attribute, report in reports:
            value = server.attribute(attribute)
            if value is not None and is_due(report, now_s, value):
                report.begin(now_s, value)
                ready.append((attribute, value))
        profile = node.endpoints[endpoint].descriptor.profile
        encrypted = profile == SMART_ENERGY and cluster in SECURED
        bodies = [] if not ready else [noise] if noise is not None else packed(ready, room(encrypted))
        for body in bodies:
            yield node.compose(
                cluster=cluster,
                payload=zcl.request(node.next_tsn(), zcl.REPORT, body, general=True, from_server=True),
                destination=to[0],
                profile=profile,
                endpoints=(endpoint, to[1]),
                encrypted=encrypted,
            )
