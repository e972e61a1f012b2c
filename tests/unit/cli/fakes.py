"""Stores that hold what a test puts into them, and a control socket served from a thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from controller.api.control import ControlServer
from controller.config import Settings
from controller.domain.budget import Budget
from controller.domain.campaign import Campaign, CampaignState
from controller.domain.ids import E164, CampaignId
from controller.errors import BadInput
from controller.ports import CampaignFigures, CampaignRow, Operations, Records, Suppression


@dataclass(frozen=True)
class FakeImportReport:
    rows: int
    stored: int
    rejected: int
    rejects_path: Path | None
    already: bool = False


@dataclass
class Stores:
    """Stands in for controller.app and for the importer, with the state behind them."""

    rows: dict[str, CampaignRow] = field(default_factory=dict)
    all_figures: dict[str, CampaignFigures] = field(default_factory=dict)
    budgets: dict[str, Budget] = field(default_factory=dict)
    kept: dict[tuple[str, str], Suppression] = field(default_factory=dict)
    records_error: Exception | None = None
    ledger_error: Exception | None = None
    ran: list[Settings] = field(default_factory=list)
    imports: list[tuple[Path, str, dict[str, object]]] = field(default_factory=list)
    segments: None = None
    work: None = None

    # --- controller.app

    @asynccontextmanager
    async def open_records(self, _settings: Settings) -> AsyncIterator[Stores]:
        if self.records_error:
            raise self.records_error
        yield self

    @asynccontextmanager
    async def open_ledger(self, _settings: Settings) -> AsyncIterator[Stores]:
        if self.ledger_error:
            raise self.ledger_error
        yield self

    async def run(self, settings: Settings) -> int:
        self.ran.append(settings)
        return 0

    # --- controller.engine.importing

    async def import_contacts(
        self, path: Path, campaign: CampaignId, _records: Records, **options: object
    ) -> FakeImportReport:
        self.imports.append((path, campaign, options))
        return FakeImportReport(rows=10, stored=8, rejected=2, rejects_path=Path("c.rejects.csv"))

    # --- Records

    async def save_campaign(self, campaign: Campaign) -> None:
        if campaign.id in self.rows:
            raise BadInput("campaign", f"{campaign.id!r} is taken")
        self.rows[campaign.id] = CampaignRow(campaign=campaign, state=CampaignState.DRAFT)

    async def campaign(self, campaign: CampaignId) -> CampaignRow | None:
        return self.rows.get(campaign)

    async def campaigns(self) -> Sequence[CampaignRow]:
        return list(self.rows.values())

    async def figures(self, campaign: CampaignId) -> CampaignFigures:
        return self.all_figures[campaign]

    # --- Ledger

    async def budget(self, campaign: Campaign) -> Budget:
        return self.budgets.get(campaign.id, Budget())

    async def suppression(self, caller: str, number: E164) -> Suppression | None:
        return self.kept.get((caller, number))

    async def suppressions(self, caller: str, limit: int = 1000) -> Sequence[Suppression]:
        return [entry for (who, _), entry in self.kept.items() if who == caller][:limit]

    def suppress(self, caller: str, number: str, expires_in: int = 90_061) -> None:
        self.kept[(caller, number)] = Suppression(
            number=E164(number),
            reason="silent call",
            since=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
            call="call-1",
            expires_in=expires_in,
        )


@contextmanager
def served(operations: Operations, path: Path) -> Iterator[None]:
    """A control socket in another thread: the CLI under test runs an event loop of its own."""
    ready, loop = threading.Event(), asyncio.new_event_loop()
    server = ControlServer(operations, path)

    def serve() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(server.start())
        ready.set()
        loop.run_forever()
        loop.run_until_complete(server.stop())
        loop.close()

    thread = threading.Thread(target=serve)
    thread.start()
    assert ready.wait(10)
    try:
        yield
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
