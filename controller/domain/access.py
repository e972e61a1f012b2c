"""Who may do what over the API: roles, and one table of what each of them may."""

from __future__ import annotations

import re
from base64 import b32encode
from dataclasses import dataclass, field
from enum import Enum
from hashlib import sha256


class Role(Enum):
    """What a token's holder is to the call centre."""

    ADMIN = "admin"
    SUPERVISOR = "supervisor"
    AGENT = "agent"
    """Bound to one agent id; acts for that agent only."""
    READ_ONLY = "read-only"
    AUDITOR = "auditor"
    """Whoever checks that the law is kept; changes nothing."""


class Right(Enum):
    """What may be done. Each operation of the API asks for exactly one of them."""

    SEE_SELF = "see-self"
    """Who one is, and what the controller's law says: nothing about anybody else."""
    SEE_CAMPAIGNS = "see-campaigns"
    EDIT_CAMPAIGNS = "edit-campaigns"
    RUN_CAMPAIGNS = "run-campaigns"
    SEE_CONTACTS = "see-contacts"
    """Without PERSONAL_DATA: numbers masked, names and addresses left out."""
    EDIT_CONTACTS = "edit-contacts"
    PERSONAL_DATA = "personal-data"
    """Numbers and names in clear, where one may see the contact at all."""
    SEE_CALLS = "see-calls"
    SEE_AGENTS = "see-agents"
    DIRECT_AGENTS = "direct-agents"
    """Log agents in and out, pause them; an agent only themselves."""
    WORK = "work"
    """What is done with a call: its script, its disposition, a call-back; an agent only with their own."""
    SEE_LISTS = "see-lists"
    EDIT_LISTS = "edit-lists"
    SEE_EVIDENCE = "see-evidence"
    PERSONS = "persons"
    """Give out, or erase, everything that is stored of a person."""
    LISTEN = "listen"
    """The live events; an agent only their own."""
    SEE_DESIGN = "see-design"
    """Segments, scripts, templates, forms, webhooks, figures of the funnel."""
    EDIT_DESIGN = "edit-design"


_EVERYBODY = frozenset(Role)
_STAFF = frozenset({Role.ADMIN, Role.SUPERVISOR})
_OBSERVERS = frozenset({Role.READ_ONLY, Role.AUDITOR})
_AGENT = frozenset({Role.AGENT})

MATRIX: dict[Right, frozenset[Role]] = {
    Right.SEE_SELF: _EVERYBODY,
    Right.SEE_CAMPAIGNS: _EVERYBODY,
    Right.EDIT_CAMPAIGNS: _STAFF,
    Right.RUN_CAMPAIGNS: _STAFF,
    Right.SEE_CONTACTS: _STAFF | _OBSERVERS,
    Right.EDIT_CONTACTS: _STAFF,
    Right.PERSONAL_DATA: _STAFF | _AGENT,
    Right.SEE_CALLS: _STAFF | _OBSERVERS,
    Right.SEE_AGENTS: _STAFF | _OBSERVERS,
    Right.DIRECT_AGENTS: _STAFF | _AGENT,
    Right.WORK: _STAFF | _AGENT,
    Right.SEE_LISTS: _STAFF | _OBSERVERS,
    Right.EDIT_LISTS: _STAFF,
    Right.SEE_EVIDENCE: frozenset({Role.ADMIN, Role.AUDITOR}),
    Right.PERSONS: frozenset({Role.ADMIN}),
    Right.LISTEN: _EVERYBODY,
    Right.SEE_DESIGN: _STAFF | _OBSERVERS,
    Right.EDIT_DESIGN: _STAFF,
}
"""Which roles have which right. A right that is missing here is nobody's."""


def may(role: Role, right: Right) -> bool:
    """Whether a role has a right."""
    return role in MATRIX.get(right, frozenset())


# --- tokens -----------------------------------------------------------------------------------------------

_SECRET_BYTES, _ID_BYTES = 32, 5
TOKEN_BYTES = _ID_BYTES + _SECRET_BYTES
_SCHEME = "cc"
_TOKEN = re.compile(r"cc_([a-z2-7]{8})_[a-z2-7]{52}")


@dataclass(frozen=True, slots=True)
class Secret:
    """A token as its holder has it: ``cc_``, 8 characters that name it, ``_``, 256 random bits.

    Only its SHA-256 is stored. A slow hash such as scrypt protects passwords, which people choose and others
    can guess; of 256 random bits nobody guesses any, so slowness would buy nothing, and be paid at every
    request.
    """

    text: str = field(repr=False)

    @classmethod
    def of(cls, random: bytes) -> Secret:
        """A new one, from ``TOKEN_BYTES`` random bytes."""
        if len(random) != TOKEN_BYTES:
            raise ValueError(f"a token is made of {TOKEN_BYTES} bytes, not {len(random)}")
        parts = (random[:_ID_BYTES], random[_ID_BYTES:])
        return cls("_".join([_SCHEME, *(b32encode(part).decode().lower().rstrip("=") for part in parts)]))

    @classmethod
    def read(cls, text: str) -> Secret | None:
        """What somebody presents as a token; None if it cannot be one."""
        return cls(text) if _TOKEN.fullmatch(text) else None

    @property
    def id(self) -> str:
        """By what it is recognised; no secret."""
        return self.text.split("_")[1]

    @property
    def digest(self) -> bytes:
        """What is stored of it: 32 bytes."""
        return sha256(self.text.encode()).digest()
