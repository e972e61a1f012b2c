"""How far a contact has come: the stages of a campaign's funnel."""

from __future__ import annotations

from enum import IntEnum


class Stage(IntEnum):
    """A contact's stage. Each includes those before it, and a contact only ever goes forward by itself.

    A person may set an earlier one, to put right a mistake.
    """

    CONTACT = 0
    """In the campaign; nobody has spoken to them."""
    REACHED = 1
    """An agent has spoken to them."""
    INTERESTED = 2
    LEAD = 3
    """Wants an offer, a visit, to be written to."""
    CUSTOMER = 4

    @property
    def word(self) -> str:
        """As it is written in files and answers."""
        return self.name.lower()


def stage_of(word: str) -> Stage:
    """The stage that is written so.

    Raises:
        ValueError: there is no such stage; the message names those that exist.
    """
    try:
        return Stage[word.upper()]
    except KeyError:
        known = ", ".join(stage.word for stage in Stage)
        raise ValueError(f"{word!r} is no stage: {known}") from None
