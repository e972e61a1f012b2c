"""What may be done with segments, beyond what the commands show (tests/unit/cli/test_segments.py)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from controller.domain.campaign import Campaign, CampaignState
from controller.domain.dialing_plan import SegmentShare
from controller.domain.ids import CampaignId
from controller.domain.segment import EVERYBODY
from controller.domain.segment_text import parse_filter
from controller.engine.segmenting import Segmenting, clock_of
from controller.errors import BadInput, Conflict, Refused
from controller.store.memory_records import MemoryRecords
from tests.fakes.law import LAX

SPRING = Campaign(id=CampaignId("spring"), caller="Acme", law=LAX, dialing=(SegmentShare(segment="vip"),))
NOW = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)


class Stopped:
    """A clock that stands still."""

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return 0.0


@pytest.fixture
def records() -> MemoryRecords:
    return MemoryRecords(profiles={LAX.name: LAX})


@pytest.fixture
def segmenting(records: MemoryRecords) -> Segmenting:
    return Segmenting(records.segments, records, Stopped())


async def test_a_segment_is_free_once_its_campaign_is_archived(
    records: MemoryRecords, segmenting: Segmenting
) -> None:
    await segmenting.save("vip", EVERYBODY, author="anna")
    await records.save_campaign(SPRING)
    await records.save_campaign(replace(SPRING, id=CampaignId("autumn"), dialing=()))
    assert await segmenting.used_by("vip") == ["spring"]
    with pytest.raises(Refused, match="dialed by spring"):
        await segmenting.remove("vip")
    await records.set_campaign_state(SPRING.id, CampaignState.ARCHIVED)
    with pytest.raises(Conflict):
        await segmenting.remove("vip", 7)
    await segmenting.remove("vip", 1)
    with pytest.raises(BadInput, match="no segment 'vip'"):
        await segmenting.remove("vip")


@pytest.mark.parametrize("name", ["", "-x", "in Milan", "x" * 65, "è", "x\n"])
async def test_names_are_plain(segmenting: Segmenting, name: str) -> None:
    with pytest.raises(BadInput, match="letters, digits"):
        await segmenting.save(name, EVERYBODY, author="anna")


@pytest.mark.parametrize("description", ["x" * 501, "a\nb", "\x1b[31m"])
async def test_descriptions_are_one_line(segmenting: Segmenting, description: str) -> None:
    with pytest.raises(BadInput, match="one line"):
        await segmenting.save("vip", EVERYBODY, author="anna", description=description)


async def test_questions_are_asked_by_the_campaigns_clock(
    records: MemoryRecords, segmenting: Segmenting
) -> None:
    # Half past eleven in Greenwich is tomorrow in Rome.
    assert clock_of(SPRING, NOW).date().isoformat() == "2026-03-02"
    await records.save_campaign(SPRING)
    assert await segmenting.count(SPRING.id, parse_filter("last_called on today")) == 0
    for limit in (0, 101):
        with pytest.raises(BadInput, match="1 to 100"):
            await segmenting.sample(SPRING.id, EVERYBODY, limit)
