"""Scripts filled in with a contact's data, as text to be read out and for a web page.

What a script may contain is script_language.py's. The text is never markup: for a web page all of it is
escaped, whether it came from the script or from a contact, and only then its lines become paragraphs. So no
contact's name can run in an agent's browser.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from html import escape
from typing import Any, Final
from zoneinfo import ZoneInfo

from controller.domain.campaign import Campaign
from controller.domain.contact import Contact
from controller.domain.ids import E164, CampaignId, ContactId
from controller.domain.script import Question, Script, check_script
from controller.engine.calendar import zones_of
from controller.engine.script_language import (
    GAP_BEGINS,
    GAP_ENDS,
    KNOWN_ATTRIBUTES,
    LONGEST_VALUE,
    MOST_VALUES,
    Fields,
    check_body,
    compiled,
    write,
)
from controller.errors import BadInput
from controller.ports.work import Scripts

_GAPS: Final = re.compile(f"{GAP_BEGINS}([^{GAP_ENDS}]*){GAP_ENDS}")
_BLANK: Final = "_____"
_BOLD: Final = re.compile(r"\*\*(\S(?:[^*\n]*\S)?)\*\*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """Who reads the script out."""

    id: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A script as it is read out.

    Attributes:
        text: plain; what is missing is a blank to be filled in by the agent.
        html: the same as markup, safe in a page; what is missing is an empty ``<mark class="gap">``.
        gaps: fields that are missing, each once, in the order in which they come.
    """

    script: Script
    text: str
    html: str
    gaps: tuple[str, ...]


def rendered(script: Script, context: Mapping[str, Any]) -> Rendered:
    """A script filled in.

    Raises:
        BadInput: it cannot be, or not within the bounds.
    """
    raw = write(compiled(script.body), context).strip()
    gaps = tuple(dict.fromkeys(_GAPS.findall(raw)))
    text = _GAPS.sub(_BLANK, _BOLD.sub(r"\1", raw))
    return Rendered(script=script, text=text, html=_as_html(raw), gaps=gaps)


def _as_html(raw: str) -> str:
    escaped = escape(raw)
    escaped = _BOLD.sub(r"<strong>\1</strong>", escaped)
    escaped = _GAPS.sub(r'<mark class="gap" title="\1"></mark>', escaped)
    paragraphs = (part.strip("\n") for part in re.split(r"\n[ \t]*\n", escaped))
    return "\n".join(f"<p>{'<br>'.join(part.splitlines())}</p>" for part in paragraphs if part.strip())


# --- what it is filled in with ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """Who is called, by whom, for what, and when.

    Attributes:
        now: aware.
    """

    contact: Contact
    campaign: Campaign
    agent: Agent = field(default_factory=Agent)
    now: datetime

    @property
    def wall_clocks(self) -> tuple[datetime, ...]:
        """What time it may be where the callee is."""
        contact, zone = self.contact, self.campaign.zone
        if contact.number.startswith("#"):  # of the erased nobody knows where they are
            return (self.now.astimezone(ZoneInfo(zone)),)
        zones = zones_of(contact.number, contact.habits.zone, zone)
        return tuple(self.now.astimezone(zone) for zone in zones)


_GREETINGS: Final = {
    "it": ("Buongiorno", "Buon pomeriggio", "Buonasera", "Salve"),
    "en": ("Good morning", "Good afternoon", "Good evening", "Hello"),
}
_AFTERNOON, _EVENING = 13, 18


def greeting(clocks: Sequence[datetime], language: str = "it") -> str:
    """What one says on the telephone at this hour; where it may be several, what suits them all."""
    words = _GREETINGS["en" if language.lower().startswith("en") else "it"]
    parts = {(clock.hour >= _AFTERNOON) + (clock.hour >= _EVENING) for clock in clocks}
    return words[parts.pop()] if len(parts) == 1 else words[-1]


def context_of(situation: Situation) -> dict[str, Any]:
    """The names that a script may use."""
    contact, campaign, clocks = situation.contact, situation.campaign, situation.wall_clocks
    attributes = {name: _clean(value) for name, value in list(contact.attributes.items())[:MOST_VALUES]}
    known = {name: attributes.get(name, "") for name in KNOWN_ATTRIBUTES}
    number = "" if contact.number.startswith("#") else contact.number
    fields = {
        "name": _clean(contact.name),
        "number": number,
        "email": _clean(contact.email),
        "key": _clean(contact.key),
        "tags": tuple(_clean(tag) for tag in sorted(contact.tags)[:MOST_VALUES]),
        "attributes": Fields(attributes),
    }
    caller = {"name": campaign.caller, "number": campaign.caller_number}
    return {
        "contact": Fields(known | fields),
        "campaign": Fields(
            {
                "name": campaign.id,
                "caller": campaign.caller,
                "caller_number": campaign.caller_number,
            }
        ),
        "caller": Fields(caller),
        "agent": Fields({"id": situation.agent.id, "name": situation.agent.name}),
        "greeting": greeting(clocks, attributes.get("language", "it")),
        "hour": clocks[0].hour,
        "today": f"{clocks[0]:%d/%m/%Y}",
    }


def _clean(value: object) -> str:
    """A value without what marks gaps, and not without end."""
    return str(value)[:LONGEST_VALUE].replace(GAP_BEGINS, "").replace(GAP_ENDS, "")


def sample_contact(campaign: str = "campaign") -> Contact:
    """Nobody in particular, with every well-known attribute."""
    return Contact(
        id=ContactId(0),
        campaign=CampaignId(campaign),
        number=E164("+390600000000"),
        name="Maria Rossi",
        email="maria.rossi@example.com",
        key="A-1",
        tags=frozenset({"sample"}),
        attributes=KNOWN_ATTRIBUTES,
    )


# --- use cases ----------------------------------------------------------------------------------------


class Scripting:
    """Keeps scripts, and fills them in."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    async def save(
        self, name: str, body: str, questions: Sequence[Question], author: str, now: datetime
    ) -> Script:
        """Store the next version of a script; the latest one, if nothing is different.

        Raises:
            BadInput: it is no script; with the line.
        """
        body = body.replace("\r\n", "\n").strip("\n") + "\n"
        try:
            check_script(name, body, questions)
        except ValueError as error:
            raise BadInput("script", str(error)) from None
        check_body(body)
        return await self._scripts.save_script(name, body, tuple(questions), author, now)

    async def script(self, name: str, version: int | None = None) -> Script:
        """A version of a script; the latest one if none is named.

        Raises:
            BadInput: there is none.
        """
        found = await self._scripts.script(name, version)
        if found is None:
            which = f"version {version} of the script {name!r}" if version else f"script {name!r}"
            raise BadInput("script", f"there is no {which}")
        return found

    async def read(self, name: str, situation: Situation, version: int | None = None) -> Rendered:
        """A script as an agent reads it to this contact.

        Raises:
            BadInput: there is no such script, or it cannot be filled in.
        """
        return rendered(await self.script(name, version), context_of(situation))
