"""A request, as a handler sees it: who asks, when, and of which services."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from aiohttp import web

from controller.api.rest.cursors import Cursors, Place
from controller.api.rest.models import Page, Paging
from controller.api.rest.problems import CHANGED, FORBIDDEN, NOT_FOUND, Problem
from controller.api.rest.services import Services
from controller.domain.access import Right, Role, may
from controller.domain.ids import AgentId, CampaignId, masked
from controller.errors import BadInput
from controller.ports import CampaignRow
from controller.ports.tokens import Token

T = TypeVar("T")
V = TypeVar("V")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Who asks, when, and of what.

    Attributes:
        token: whose request it is.
        now: when it came (aware).
        if_match: versions that may be changed, as given by If-Match; ``*`` is any. Empty: not said.
        creates: what is not there yet is to be made.
        request: as aiohttp has it; for what is not in the models.
    """

    services: Services
    token: Token
    now: datetime
    cursors: Cursors
    request: web.Request
    if_match: Sequence[str] = ()
    creates: bool = False

    # --- who may ---------------------------------------------------------------------------------------

    @property
    def in_clear(self) -> bool:
        """Whether numbers and names may be shown."""
        return may(self.token.role, Right.PERSONAL_DATA)

    def shown(self, number: str) -> str:
        """A number as this asker may see it; what an erased person left behind is no number any more."""
        if number.startswith("#"):
            return ""
        return number if self.in_clear else masked(number)

    def only_own(self, agent: str) -> None:
        """Refuse an agent who asks for another one.

        Raises:
            Problem: it is another's.
        """
        if self.token.role is Role.AGENT and self.token.agent != agent:
            raise Problem(FORBIDDEN, f"this token acts for agent {self.token.agent} only")

    @property
    def agent(self) -> AgentId | None:
        """The agent for whom the token acts; None: it is not an agent's."""
        return self.token.agent if self.token.role is Role.AGENT else None

    @property
    def author(self) -> str:
        """Who is recorded as having done it, where the request does not name anybody."""
        return f"token {self.token.id}" + (f" ({self.token.label})" if self.token.label else "")

    # --- versions --------------------------------------------------------------------------------------

    def must_match(self, etag: str) -> None:
        """Refuse to change another version than the one the asker has seen.

        Raises:
            Problem: it is another one.
        """
        if self.creates:
            raise Problem(CHANGED, "it is there already", headers={"ETag": f'"{etag}"'})
        if "*" not in self.if_match and etag not in self.if_match:
            raise Problem(
                CHANGED, "it is of another version by now; read it again", headers={"ETag": f'"{etag}"'}
            )

    def must_create(self) -> None:
        """Refuse to change what is not there.

        Raises:
            Problem: the asker has seen some version of it.
        """
        if not self.creates:
            raise Problem(CHANGED, "it is not there any more; to make it anew, send If-None-Match: *")

    # --- things ----------------------------------------------------------------------------------------

    async def campaign(self, campaign: str) -> CampaignRow:
        """A campaign.

        Raises:
            Problem: there is none of this name.
        """
        row = await self.services.records.campaign(CampaignId(campaign))
        if row is None:
            raise Problem(NOT_FOUND, f"there is no campaign {campaign!r}")
        return row

    async def named_campaign(self, campaign: str, place: str = "campaign") -> CampaignRow:
        """A campaign that a body names.

        Raises:
            BadInput: there is none of this name.
        """
        row = await self.services.records.campaign(CampaignId(campaign))
        if row is None:
            raise BadInput(place, f"there is no campaign {campaign!r}")
        return row

    # --- pages -----------------------------------------------------------------------------------------

    def place(self, query: Paging) -> Place | None:
        """Where the page before ended; None for the first page."""
        return None if query.cursor is None else self.cursors.read(self._list(query), query.cursor)

    def page(
        self, query: Paging, found: Sequence[T], view: Callable[[T], V], place: Callable[[T], Place]
    ) -> Page[V]:
        """A page of what was found, which was asked for with one more than the limit."""
        items = found[: query.limit]
        more = len(found) > query.limit
        return Page(
            items=[view(item) for item in items], next=self.cursor(query, place(items[-1])) if more else None
        )

    def cursor(self, query: Paging, place: Place) -> str:
        """The cursor for a place in the list that was asked for."""
        return self.cursors.write(self._list(query), place)

    def _list(self, query: Paging) -> str:
        filters = query.model_dump_json(exclude={"cursor", "limit"}, exclude_defaults=True)
        return f"{self.request.path}?{filters}"
