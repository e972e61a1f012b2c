"""Single contacts: looked up by their row, and what people change of them by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from controller.domain.ids import ContactId
from controller.ports.records import ListedContact


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What a list, or a person, says of a contact beyond how to call them."""

    attributes: Mapping[str, str]
    tags: frozenset[str]


class ContactEdits(Protocol):
    """Single contacts."""

    async def contact(self, contact: ContactId) -> ListedContact | None:
        """One contact."""
        ...

    async def describe(self, contact: ContactId, expected: Description, wanted: Description) -> None:
        """Replace what is said of a contact.

        Args:
            contact: whose.
            expected: what was said so far, as its changer has seen it.
            wanted: what is to be said.

        Raises:
            BadInput: there is no such contact.
            Conflict: something else was said of them meanwhile.
            Refused: their person's data were erased.
        """
        ...
