"""What people do to suppressions on the command line, on stores in memory."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import stat
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import controller
from controller.config import Settings
from controller.domain.campaign import Campaign
from controller.domain.evidence import Sealed
from controller.domain.ids import E164, CallId, CampaignId
from controller.domain.outcome import Outcome
from controller.domain.privacy import NumberKey
from controller.engine.clock import SystemClock
from controller.law import IT_GARANTE_2014
from controller.ports import Exposure
from controller.store.memory_ledger import MemoryLedger
from controller.store.memory_records import MemoryRecords
from tests.unit.cli.conftest import Cli

NUMBER = E164("+393471234567")
OTHER = E164("+390212345678")
CAMPAIGN = Campaign(id=CampaignId("spring"), caller="Acme", law=IT_GARANTE_2014)
BY_ANNA = ("--caller", "Acme", "--author", "anna", "--reason", "asked for it")


class Centre:
    """The stores, in the place of the composition root."""

    def __init__(self) -> None:
        self.ledger = MemoryLedger(SystemClock())
        self.records = MemoryRecords()
        asyncio.run(self.records.save_campaign(CAMPAIGN))

    @asynccontextmanager
    async def open_records(self, _settings: Settings) -> AsyncIterator[MemoryRecords]:
        yield self.records

    @asynccontextmanager
    async def open_ledger(self, _settings: Settings) -> AsyncIterator[MemoryLedger]:
        yield self.ledger

    def silent_call(self, number: E164) -> None:
        closing = self.ledger.close(
            CallId("5f0c1d2e3f4a5b6c"),
            CAMPAIGN,
            number,
            Outcome.SILENT,
            timedelta(0),
            Exposure(count=0, serial=1),
            datetime.now(UTC),
        )
        asyncio.run(closing)

    def evidence(self) -> Sequence[Sealed]:
        """Of suppressions made and released."""
        return [e for e in asyncio.run(self.records.evidence.entries()) if e.kind == "suppression"]

    def suppressed(self, number: E164) -> bool:
        return asyncio.run(self.ledger.suppression("Acme", number)) is not None


@pytest.fixture
def centre(monkeypatch: pytest.MonkeyPatch) -> Centre:
    made, root = Centre(), ModuleType("controller.app")
    vars(root).update(open_records=made.open_records, open_ledger=made.open_ledger)
    monkeypatch.setitem(sys.modules, "controller.app", root)
    monkeypatch.setattr(controller, "app", root, raising=False)
    return made


def test_a_number_is_suppressed_and_released_by_hand_and_both_are_recorded(
    cli: Cli, centre: Centre, state_dir: Path
) -> None:
    done = cli("suppression", "add", "347 1234567", *BY_ANNA)
    assert done.exit_code == 0, done.output
    assert "until a person releases it" in done.stdout
    shown = cli("suppression", "show", NUMBER).stdout
    assert "asked for it (by anna)" in shown
    assert "until a person releases it" in shown
    done = cli("suppression", "release", NUMBER, *BY_ANNA)
    assert done.exit_code == 0, done.output
    assert not centre.suppressed(NUMBER)
    key = NumberKey(bytes.fromhex((state_dir / "number.key").read_text().strip()))
    said = [(e.person, json.loads(e.body)) for e in centre.evidence()]
    assert said == [
        (
            key.of(NUMBER),
            {"action": "add", "author": "anna", "caller": "Acme", "reason": "asked for it", "until": None},
        ),
        (
            key.of(NUMBER),
            {"action": "release", "author": "anna", "caller": "Acme", "reason": "asked for it"},
        ),
    ]


def test_nobody_shortens_what_a_silent_call_suppressed(cli: Cli, centre: Centre) -> None:
    centre.silent_call(NUMBER)
    cli("suppression", "add", NUMBER, *BY_ANNA, "--days", "1")
    refused = cli("suppression", "release", NUMBER, *BY_ANNA)
    assert refused.exit_code == 1
    assert "nobody can shorten what the law demands: silent call" in refused.stderr
    assert [json.loads(e.body)["action"] for e in centre.evidence()] == ["add"]
    cli("suppression", "add", NUMBER, *BY_ANNA)
    released = cli("suppression", "release", NUMBER, *BY_ANNA)
    assert released.exit_code == 0
    assert "not called all the same: silent call" in released.stdout
    assert centre.suppressed(NUMBER)


def test_what_is_not_suppressed_is_not_released(cli: Cli, centre: Centre) -> None:
    refused = cli("suppression", "release", NUMBER, *BY_ANNA)
    assert refused.exit_code == 1
    assert "is not suppressed for Acme" in refused.stderr
    assert not centre.evidence()


@pytest.mark.parametrize("action", ["add", "release"])
@pytest.mark.parametrize(
    ("options", "place"),
    [
        (("--caller", "Acne", "--author", "anna", "--reason", "r"), "--caller: no campaign calls for 'Acne'"),
        (("--caller", "Acme", "--author", " ", "--reason", "r"), "--author"),
        (("--caller", "Acme", "--author", "anna", "--reason", ""), "--reason"),
    ],
)
def test_who_and_why_and_for_whom_are_never_left_open(
    cli: Cli, centre: Centre, action: str, options: tuple[str, ...], place: str
) -> None:
    refused = cli("suppression", action, NUMBER, *options)
    assert refused.exit_code == 2
    assert place in refused.stderr
    assert not centre.evidence()


@pytest.mark.parametrize("suppressed", [False, True])
def test_while_the_evidence_cannot_be_written_nothing_is_released(
    cli: Cli, centre: Centre, monkeypatch: pytest.MonkeyPatch, suppressed: bool
) -> None:
    if suppressed:
        cli("suppression", "add", NUMBER, *BY_ANNA)

    async def note(*_: Any) -> None:
        raise OSError("the disk is gone")

    monkeypatch.setattr(centre.records.evidence, "note", note)
    # A crash in between: released it is not, added it is. Both are the callee's side.
    cli("suppression", "release" if suppressed else "add", NUMBER, *BY_ANNA)
    assert centre.suppressed(NUMBER)


def test_count_and_list_tell_the_kinds_apart(cli: Cli, centre: Centre) -> None:
    assert "no number is suppressed" in cli("suppression", "count").stdout
    centre.silent_call(NUMBER)
    cli("suppression", "add", OTHER, *BY_ANNA)
    cli("suppression", "add", NUMBER, *BY_ANNA, "--days", "9")
    asyncio.run(centre.ledger.forget("Acme", OTHER))
    assert json.loads(cli("suppression", "count", "--json").stdout) == [
        {"caller": "Acme", "kind": "by hand", "numbers": 2},
        {"caller": "Acme", "kind": "silent call", "numbers": 1},
    ]
    listed = cli("suppression", "list").stdout
    silent, by_hand, erased = listed.index("silent call"), listed.index("by anna"), listed.index("erased (")
    assert silent < by_hand < erased < listed.index("never")
    assert listed.count("anna") == 1  # an erased number keeps no words of people


def test_the_export_is_for_machines_and_for_its_owner(cli: Cli, centre: Centre, tmp_path: Path) -> None:
    centre.silent_call(NUMBER)
    cli("suppression", "add", OTHER, "--caller", "Acme", "--author", "anna", "--reason", 'said "no", twice')
    file = tmp_path / "all.csv"
    done = cli("suppression", "export", str(file))
    assert done.exit_code == 0, done.output
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    header, *rows = list(csv.reader(io.StringIO(file.read_text())))
    assert header == ["number", "caller", "kind", "reason", "since", "free at", "by"]
    by_number = {row[0]: row for row in rows}
    assert by_number[OTHER][1:4] == ["Acme", "by hand", 'said "no", twice']
    assert by_number[OTHER][5:] == ["", "anna"]
    assert by_number[NUMBER][2:4] == ["silent call", "silent call"]
    assert by_number[NUMBER][6] == "5f0c1d2e3f4a5b6c"
    free_in = datetime.fromisoformat(by_number[NUMBER][5]) - datetime.now(UTC)
    assert timedelta(days=4, hours=23) < free_in <= timedelta(days=5, seconds=1)
    assert cli("suppression", "export", str(file)).exit_code == 2  # is never overwritten
    again = list(csv.reader(io.StringIO(cli("suppression", "export", "-").stdout)))
    # All but the time from which it is free: that is reckoned from Redis's seconds, and a second may pass.
    assert [[*row[:5], row[6]] for row in again] == [[*row[:5], row[6]] for row in (header, *rows)]
