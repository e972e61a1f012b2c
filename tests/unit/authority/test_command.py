"""The command on a real record store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from typer import Typer
from typer.testing import CliRunner

from controller.authority.words import LANGUAGES
from controller.cli.authority import authority_report, collect, history_of, write
from controller.cli.shell import USAGE, Commands
from controller.domain.call import Call, CallState
from controller.domain.campaign import Campaign, Override
from controller.domain.contact import NewContact
from controller.domain.ids import E164, CallId, CampaignId
from controller.domain.outcome import Outcome
from controller.domain.privacy import NumberKey
from controller.errors import BadInput
from controller.ports import AttemptEnd
from controller.store.records import SqlRecords
from tests.fakes.law import KNOWN, LAX
from tests.unit.authority.calls import NINE

SPRING = Campaign(id=CampaignId("spring"), caller="Acme", law=LAX, caller_number="+390844123456")


@pytest.fixture
async def records(tmp_path: Path) -> AsyncIterator[SqlRecords]:
    url = f"sqlite+aiosqlite:///{tmp_path}/records.db"
    async with SqlRecords(url, number_key=NumberKey(bytes(32)), profiles=KNOWN) as records:
        for name in ("spring", "summer"):
            await records.save_campaign(replace(SPRING, id=CampaignId(name)))
            await records.add_contacts(
                CampaignId(name), [NewContact(number=E164("+393331234567"), name="", line=2)]
            )
        yield records


async def silent_call(records: SqlRecords, name: str, placed_on: int, outcome: Outcome) -> None:
    """A call to the one contact of a campaign."""
    campaign = replace(SPRING, id=CampaignId(name))
    (contact,) = [each.contact for each in await records.contacts(campaign.id)]
    placed = NINE + timedelta(days=placed_on)
    call = Call(id=CallId(f"{name}-{placed_on}"), contact=contact, guaranteed=True, admitted_at=placed)
    assert await records.attempt_started(call, campaign) is None
    answered = placed + timedelta(seconds=8)
    ended = call.evolve(
        state=CallState.ENDED,
        answered_at=answered,
        ended_at=answered + timedelta(seconds=2.7),
        outcome=outcome,
        cause=16,
    )
    await records.attempt_ended(AttemptEnd(call=ended, next_due=placed, counts_as_attempt=False))


async def test_files_are_written_from_what_is_recorded(records: SqlRecords, tmp_path: Path) -> None:
    await records.record_override(SPRING.id, Override(author="Anna", reason="a test"), NINE)
    await silent_call(records, "spring", 0, Outcome.SILENT)
    await silent_call(records, "summer", 4, Outcome.SILENT)  # too soon, in the caller's other campaign
    material = await collect(records, SPRING.id)
    assert material.proof.whole, material.proof.findings
    made = history_of(material, None, None, NINE + timedelta(days=30))
    assert (made.period.since, made.period.until) == (date(2026, 11, 2), date(2026, 11, 2))
    assert (made.counts.attempts, made.counts.silent, len(made.keeping.too_soon)) == (1, 1, 1)
    assert [each.author for each in made.decisions] == ["Anna"]
    written = write(made, LANGUAGES["it"], tmp_path / "new" / "folder")
    assert [path.name for path in written] == [
        f"spring_2026-11-02_2026-11-02.{kind}" for kind in ("html", "csv", "pdf")
    ]
    assert written[2].read_bytes().startswith(b"%PDF-")
    for path in written[:2]:
        assert "3331234567" not in path.read_text()
    assert written[1].read_bytes().count(b"\r\n") == 3


async def test_an_unknown_campaign_is_refused_with_those_there_are(records: SqlRecords) -> None:
    with pytest.raises(BadInput, match=r"autumn.*spring, summer"):
        await collect(records, CampaignId("autumn"))


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        (date(2026, 12, 1), None, (date(2026, 12, 1), date(2026, 12, 1))),
        (None, date(2026, 10, 1), (date(2026, 10, 1), date(2026, 10, 1))),
        (date(2026, 10, 1), None, (date(2026, 10, 1), date(2026, 11, 2))),
    ],
)
async def test_one_day_alone_makes_a_period_too(
    records: SqlRecords, first: date | None, last: date | None, expected: tuple[date, date]
) -> None:
    await silent_call(records, "spring", 0, Outcome.SILENT)
    period = history_of(await collect(records, SPRING.id), first, last, NINE).period
    assert (period.since, period.until) == expected


async def test_a_folder_that_cannot_be_written_to_is_named(records: SqlRecords, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    made = history_of(await collect(records, SPRING.id), None, None, NINE)
    with pytest.raises(BadInput, match=r"--output: .*file"):
        write(made, LANGUAGES["en"], tmp_path / "file")


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["--from", "2026-12-02", "--to", "2026-12-01"], "--to: 2026-12-01 is before --from 2026-12-02"),
        (["--from", "1/12/2026"], "--from: '1/12/2026' is no date (allowed: such as 2026-12-01)"),
        (["--language", "de"], "--language: 'de' is unknown (allowed: it, en)"),
    ],
)
def test_what_cannot_be_meant_is_refused(args: list[str], told: str) -> None:
    app = Typer(cls=Commands)
    app.callback()(lambda: None)
    app.command()(authority_report)
    done = CliRunner().invoke(app, ["authority-report", "spring", *args])
    assert done.exit_code == USAGE
    assert told in done.stderr
