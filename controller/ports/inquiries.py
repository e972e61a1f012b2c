"""What people ask about the record without changing it, and what they are told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from controller.domain.clearance import Check, CheckName, first_failed
from controller.domain.contact import Contact
from controller.domain.evidence import Head
from controller.domain.ids import E164
from controller.ports.records import CampaignRow


@dataclass(frozen=True, slots=True, kw_only=True)
class PastAttempt:
    """A call that was placed, with the checks as they stood then.

    Attributes:
        ended: what became of it, as recorded; empty while it is under way.
    """

    call: str
    campaign: str
    placed: datetime
    checks: Sequence[Check]
    ended: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A number in one campaign.

    Attributes:
        checks: in order; the first that failed is why it is not called.
    """

    campaign: str
    caller: str
    contact: Contact
    checks: Sequence[Check]

    @property
    def callable(self) -> bool:
        """Whether every check passed."""
        return first_failed(self.checks) is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What a campaign would do if it were started now: its contacts by the check that holds them back.

    Attributes:
        unfit: why the campaign would not start at all.
        callable: contacts that may be called now, by any agent.
        operator: of these, contacts that need a reserved agent.
        held: contacts that may not be called, by the first check that failed.
        until: for each such check the earliest time at which a contact passes by itself; missing: never.
        done: contacts the campaign is done with.
    """

    contacts: int = 0
    unfit: Sequence[str] = ()
    callable: int = 0
    operator: int = 0
    done: int = 0
    held: Mapping[CheckName, int] = field(default_factory=dict)
    until: Mapping[CheckName, datetime] = field(default_factory=dict)


class Explains(Protocol):
    """Asks all who decide, and takes nothing."""

    async def explain(self, number: E164, now: datetime) -> Sequence[Explanation]:
        """Every campaign that has the number, with its checks as they stand."""
        ...

    async def history(self, number: E164) -> Sequence[PastAttempt]:
        """Every recorded call to the number, oldest first, with its checks at that time."""
        ...

    async def forecast(self, row: CampaignRow, now: datetime) -> Forecast:
        """What would become of the campaign's contacts if it were started now."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What a look at the whole evidence found.

    Attributes:
        entries: entries that were read.
        attempts: recorded attempts that were compared with them.
        head: the end of the chain as it was found.
        findings: what is not as it was written, each with its place; empty if all is whole.
    """

    entries: int
    attempts: int
    head: Head
    findings: Sequence[str] = ()
