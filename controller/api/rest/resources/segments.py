"""Segments: saved questions about contacts, with their answers now."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import Field

from controller.api.rest.ask import Ask
from controller.api.rest.models import CampaignName, Line, Model, Page, Paging, Text, Wanted, Whole
from controller.api.rest.problems import NOT_FOUND, Problem
from controller.api.rest.resources.contacts import ContactView
from controller.api.rest.resources.contacts import view_of as contact_view
from controller.api.rest.routes import Reply, Resource
from controller.domain.access import Right
from controller.domain.ids import CampaignId
from controller.domain.segment import Filter, Segment
from controller.domain.segment_json import filter_of, json_of
from controller.domain.segment_text import parse_filter
from controller.domain.segment_writing import text_of
from controller.errors import BadInput

segments = Resource("Segments", "Saved questions about contacts, which campaigns dial (docs/segments.md)")

_SAMPLE_AT_MOST = 100
Json = Mapping[str, Any]


class SegmentView(Model):
    """A segment."""

    name: str
    version: int
    description: str
    text: str = Field(description="The filter as people write it; empty: everybody")
    filter: Json = Field(description="The filter as a tree")
    author: str
    created_at: datetime
    updated_at: datetime


class WantedSegment(Wanted):
    """A segment to be stored: its filter as text or as a tree."""

    text: Text | None = Field(default=None, description="As people write it; empty: everybody")
    filter: Json | None = Field(default=None, description="As a tree")
    description: Line = ""


class Question(Wanted):
    """A question about a campaign's contacts: a saved one, or one that is not saved."""

    campaign: CampaignName
    segment: str | None = Field(default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")
    text: Text | None = None
    filter: Json | None = None


class SampleQuestion(Question):
    """A question whose answer are some of the contacts."""

    limit: Whole = Field(default=10, ge=1, le=_SAMPLE_AT_MOST)


class CountView(Model):
    """How many contacts match now, whatever became of them."""

    contacts: int


class SegmentPath(Wanted):
    """One segment."""

    segment: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")


@segments.get("/segments", Right.SEE_DESIGN)
async def list_segments(ask: Ask, query: Paging) -> Page[SegmentView]:
    """All segments, by name."""
    after = ask.place(query)
    every = await ask.services.segmenting.all()
    found = [segment for segment in every if after is None or segment.name > str(after[0])]
    return ask.page(query, found[: query.limit + 1], _view, lambda segment: [segment.name])


@segments.get("/segments/{segment}", Right.SEE_DESIGN)
async def get_segment(ask: Ask, path: SegmentPath) -> Reply[SegmentView]:
    """One segment, with its version as ETag."""
    segment = await _known(ask, path)
    if segment is None:
        raise Problem(NOT_FOUND, f"there is no segment {path.segment!r}")
    return _reply(segment)


@segments.put("/segments/{segment}", Right.EDIT_DESIGN)
async def put_segment(ask: Ask, path: SegmentPath, body: WantedSegment) -> Reply[SegmentView]:
    """Store a segment; campaigns that dial it take the change over by themselves."""
    before = await _known(ask, path)
    if before is None:
        ask.must_create()
    else:
        ask.must_match(str(before.version))
    segment = await ask.services.segmenting.save(
        path.segment,
        _filter(body.text, body.filter),
        author=ask.author,
        description=body.description.strip(),
        expected=0 if before is None else before.version,
    )
    return _reply(segment, made=before is None)


@segments.delete("/segments/{segment}", Right.EDIT_DESIGN)
async def delete_segment(ask: Ask, path: SegmentPath) -> None:
    """Remove a segment that no campaign dials."""
    segment = await _known(ask, path)
    if segment is None:
        raise Problem(NOT_FOUND, f"there is no segment {path.segment!r}")
    ask.must_match(str(segment.version))
    await ask.services.segmenting.remove(segment.name, segment.version)


@segments.post("/segments/count", Right.SEE_DESIGN, keeps=False, patient=True)
async def count_segment(ask: Ask, body: Question) -> CountView:
    """How many of a campaign's contacts match a saved segment, or a filter, now."""
    campaign, filter_ = await _asked(ask, body)
    return CountView(contacts=await ask.services.segmenting.count(campaign, filter_))


@segments.post("/segments/sample", Right.SEE_CONTACTS, keeps=False, patient=True)
async def sample_segment(ask: Ask, body: SampleQuestion) -> Page[ContactView]:
    """Some of the contacts that match, from all over the list."""
    campaign, filter_ = await _asked(ask, body)
    found = await ask.services.segmenting.sample(campaign, filter_, body.limit)
    return Page(items=[contact_view(ask, listed) for listed in found], next=None)


async def _known(ask: Ask, path: SegmentPath) -> Segment | None:
    every = await ask.services.segmenting.all()
    return next((segment for segment in every if segment.name == path.segment), None)


async def _asked(ask: Ask, body: Question) -> tuple[CampaignId, Filter]:
    campaign = (await ask.named_campaign(body.campaign)).campaign.id
    if body.segment is None:
        return campaign, _filter(body.text, body.filter)
    if (body.text, body.filter) != (None, None):
        raise BadInput("segment", "goes without a filter beside it", "one of them")
    segment = await _known(ask, SegmentPath(segment=body.segment))
    if segment is None:
        raise BadInput("segment", f"there is no segment {body.segment!r}")
    return campaign, segment.filter


def _filter(text: str | None, tree: Json | None) -> Filter:
    if (text is None) == (tree is None):
        raise BadInput("filter", "is given twice, or not at all", "one of text and filter")
    return filter_of(tree) if text is None else parse_filter(text, "text")


def _view(segment: Segment) -> SegmentView:
    return SegmentView(
        name=segment.name,
        version=segment.version,
        description=segment.description,
        text=text_of(segment.filter),
        filter=json_of(segment.filter),
        author=segment.author,
        created_at=segment.created_at,
        updated_at=segment.updated_at,
    )


def _reply(segment: Segment, *, made: bool = False) -> Reply[SegmentView]:
    return Reply(body=_view(segment), etag=str(segment.version), made=made)
