"""What an agent says came of a conversation, and what follows from it.

A campaign has its own words (``Disposition.code`` and ``label``); each stands for one of the few kinds that
the controller understands. The kind alone says how far the contact has come, who picked up, and what becomes
of the contact: so campaigns with different words can be compared, and no word can undo what the law asks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Final, TypeVar

from controller.domain.answer import Answerer
from controller.domain.funnel import Stage

EnumT = TypeVar("EnumT", bound=Enum)


class Effect(Enum):
    """What becomes of a contact after a conversation."""

    FINAL = "final"
    """The campaign is done with it."""
    RETRY = "retry"
    """It is called again after a pause, as long as the campaign's retry rule leaves it an attempt."""
    CALL_BACK = "call-back"
    """It is called at the time that it asked for."""
    NEXT_NUMBER = "next-number"
    """The number was of no use: its next number is called; without one the campaign is done with it."""
    OPT_OUT = "opt-out"
    """It is never called again."""


class Reach(Enum):
    """How far a wish not to be called goes."""

    CAMPAIGN = "campaign"
    CALLER = "caller"
    """Every campaign of the same caller."""
    EVERYBODY = "everybody"


class DispositionKind(Enum):
    """What the controller understands of a disposition."""

    CUSTOMER = "customer"
    """Bought, signed, donated: what the campaign is for."""
    LEAD = "lead"
    """Wants an offer, a visit, to be written to."""
    INTERESTED = "interested"
    NOT_INTERESTED = "not-interested"
    CALL_BACK = "call-back"
    """Wants to be called at another time."""
    WRONG_PERSON = "wrong-person"
    """Somebody else picked up; the contact may be there another time."""
    WRONG_NUMBER = "wrong-number"
    """Nobody knows the contact there."""
    MACHINE = "machine"
    FAX = "fax"
    NO_CONVERSATION = "no-conversation"
    """Picked up, and nothing came of it: silence, noise, hung up at once."""
    DO_NOT_CALL = "do-not-call"
    """Does not want to be called any more."""

    @property
    def stage(self) -> Stage:
        """How far the contact has come by it."""
        return _STAGES.get(self, Stage.CONTACT)

    @property
    def answerer(self) -> Answerer:
        """Who picked up."""
        return _ANSWERERS.get(self, Answerer.PERSON)

    @property
    def effect(self) -> Effect:
        """What becomes of the contact, unless a disposition says otherwise."""
        return _EFFECTS.get(self, Effect.FINAL)

    @property
    def complete(self) -> bool:
        """Whether the conversation came to its purpose, so that the script's required answers are due."""
        return self.stage >= Stage.INTERESTED


_STAGES: Final = {
    DispositionKind.CUSTOMER: Stage.CUSTOMER,
    DispositionKind.LEAD: Stage.LEAD,
    DispositionKind.INTERESTED: Stage.INTERESTED,
    DispositionKind.NOT_INTERESTED: Stage.REACHED,
    DispositionKind.CALL_BACK: Stage.REACHED,
    DispositionKind.DO_NOT_CALL: Stage.REACHED,
}
_ANSWERERS: Final = {DispositionKind.MACHINE: Answerer.MACHINE, DispositionKind.FAX: Answerer.FAX}
_EFFECTS: Final = {
    DispositionKind.CALL_BACK: Effect.CALL_BACK,
    DispositionKind.WRONG_PERSON: Effect.RETRY,
    DispositionKind.WRONG_NUMBER: Effect.NEXT_NUMBER,
    DispositionKind.MACHINE: Effect.RETRY,
    DispositionKind.FAX: Effect.NEXT_NUMBER,
    DispositionKind.NO_CONVERSATION: Effect.RETRY,
    DispositionKind.DO_NOT_CALL: Effect.OPT_OUT,
}
_PAUSES: Final = {
    DispositionKind.WRONG_PERSON: timedelta(hours=4),
    DispositionKind.MACHINE: timedelta(hours=3),
    DispositionKind.NO_CONVERSATION: timedelta(hours=24),
}
_ONCE_MORE: Final = frozenset({Effect.FINAL, Effect.RETRY})
"""Effects between which a pause decides."""

LONGEST_PAUSE: Final = timedelta(days=366)
SHORTEST_PAUSE: Final = timedelta(minutes=1)
MOST_DISPOSITIONS: Final = 60
_CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}", re.ASCII)
_KEY: Final = re.compile(r"[0-9a-z]?", re.ASCII)
_LABEL: Final = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Disposition:
    """One of a campaign's words for what came of a conversation.

    Attributes:
        code: letters, digits, ``-`` and ``_``; what is recorded. Upper and lower case are the same.
        label: what agents read.
        kind: what it stands for.
        key: the key that chooses it, one of 0-9 and a-z; empty if there is none.
        retry_after: the pause until the contact is called again; None: as the kind says. Only for kinds whose
            effect is FINAL (which it makes RETRY) or RETRY.
        opt_out: how far a wish not to be called goes; None: all campaigns of the caller. Only for
            DO_NOT_CALL.

    Raises:
        ValueError: something of it cannot be used.
    """

    code: str
    label: str
    kind: DispositionKind
    key: str = ""
    retry_after: timedelta | None = None
    opt_out: Reach | None = None

    def __post_init__(self) -> None:
        if not _CODE.fullmatch(self.code):
            raise ValueError(f"{self.code!r} is no code: letters, digits, - and _, 32 at most")
        if not self.label.strip() or len(self.label) > _LABEL or not self.label.isprintable():
            raise ValueError(f"disposition {self.code}: a label has 1 to {_LABEL} characters on one line")
        if not _KEY.fullmatch(self.key):
            raise ValueError(f"disposition {self.code}: {self.key!r} is no key: one of 0-9 and a-z")
        if self.opt_out is not None and self.kind is not DispositionKind.DO_NOT_CALL:
            raise ValueError(f"disposition {self.code}: opt_out is for the kind do-not-call only")
        if self.retry_after is None:
            return
        if self.kind.effect not in _ONCE_MORE:
            raise ValueError(f"disposition {self.code}: after {self.kind.value} there is no retry_after")
        if not SHORTEST_PAUSE <= self.retry_after <= LONGEST_PAUSE:
            raise ValueError(f"disposition {self.code}: retry_after is from a minute to a year")

    @property
    def effect(self) -> Effect:
        """What becomes of the contact."""
        return self.kind.effect if self.retry_after is None else Effect.RETRY

    @property
    def pause(self) -> timedelta | None:
        """How long after it the contact is called again; None if it is not."""
        return _PAUSES.get(self.kind) if self.retry_after is None else self.retry_after

    @property
    def reach(self) -> Reach | None:
        """How far the wish not to be called goes; None if none was uttered."""
        return (self.opt_out or Reach.CALLER) if self.effect is Effect.OPT_OUT else None

    def to_json(self) -> dict[str, Any]:
        """As plain values; what is left out is as the kind says."""
        plain: dict[str, Any] = {"code": self.code, "label": self.label, "kind": self.kind.value}
        if self.key:
            plain["key"] = self.key
        if self.retry_after is not None:
            plain["retry_after"] = self.retry_after.total_seconds()
        if self.opt_out is not None:
            plain["opt_out"] = self.opt_out.value
        return plain


_NAMES: Final = frozenset({"code", "label", "kind", "key", "retry_after", "opt_out"})


def disposition_from_json(value: object) -> Disposition:
    """A disposition from plain values.

    Raises:
        ValueError: something is missing, unknown, or cannot be used.
    """
    if not isinstance(value, Mapping):
        raise ValueError("a disposition is an object with code, label and kind")
    unknown = sorted(str(name) for name in value if name not in _NAMES)
    if unknown:
        raise ValueError(f"a disposition has no {unknown[0]!r} (known: {', '.join(sorted(_NAMES))})")
    texts = {name: value.get(name, "") for name in ("code", "label", "kind", "key")}
    for name, text in texts.items():
        if not isinstance(text, str):
            raise ValueError(f"{name} of a disposition is text, not {text!r}")
    seconds, reach = value.get("retry_after"), value.get("opt_out")
    if seconds is not None and (isinstance(seconds, bool) or not isinstance(seconds, int | float)):
        raise ValueError(f"disposition {texts['code']}: retry_after is a number of seconds, not {seconds!r}")
    try:
        pause = None if seconds is None else timedelta(seconds=seconds)
    except (OverflowError, ValueError):  # what no calendar holds, and what is no number
        raise ValueError(f"disposition {texts['code']}: retry_after is from a minute to a year") from None
    return Disposition(
        code=texts["code"],
        label=texts["label"],
        kind=_member(DispositionKind, texts["kind"], "kind"),
        key=texts["key"],
        retry_after=pause,
        opt_out=None if reach is None else _member(Reach, reach, "opt_out"),
    )


def _member(kind: type[EnumT], word: object, what: str) -> EnumT:
    for member in kind:
        if member.value == word:
            return member
    raise ValueError(f"{word!r} is no {what}: {', '.join(str(each.value) for each in kind)}")


@dataclass(frozen=True, slots=True)
class DispositionSet:
    """A campaign's dispositions, in the order in which agents see them.

    Raises:
        ValueError: there is none, or there are too many, or two have the same code or key.
    """

    entries: tuple[Disposition, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.entries) <= MOST_DISPOSITIONS:
            raise ValueError(f"a campaign has 1 to {MOST_DISPOSITIONS} dispositions, not {len(self.entries)}")
        codes, keys = set[str](), set[str]()
        for entry in self.entries:
            if entry.code.lower() in codes:
                raise ValueError(f"the disposition {entry.code} is there twice")
            if entry.key and entry.key in keys:
                raise ValueError(f"disposition {entry.code}: the key {entry.key} is taken")
            codes.add(entry.code.lower())
            keys.add(entry.key)

    def of(self, code: str) -> Disposition | None:
        """The disposition of this code, whatever its case; None if the campaign has none."""
        return next((entry for entry in self.entries if entry.code.lower() == code.lower()), None)

    @property
    def codes(self) -> tuple[str, ...]:
        """All codes, in order."""
        return tuple(entry.code for entry in self.entries)

    def to_json(self) -> list[dict[str, Any]]:
        """As plain values, fit for a JSON column: ``DispositionSet.from_json(s.to_json()) == s``."""
        return [entry.to_json() for entry in self.entries]

    @classmethod
    def from_json(cls, value: object) -> DispositionSet:
        """A set from plain values.

        Raises:
            ValueError: it is no list of dispositions that go together.
        """
        if not isinstance(value, Sequence) or isinstance(value, str | bytes):
            raise ValueError("dispositions are a list")
        return cls(tuple(disposition_from_json(each) for each in value))


# --- what a campaign has that names none of its own ---------------------------------------------------

_DEFAULT: Final = (
    ("sale", DispositionKind.CUSTOMER, "1", "Venduto", "Sold"),
    ("lead", DispositionKind.LEAD, "2", "Vuole un'offerta", "Wants an offer"),
    ("interested", DispositionKind.INTERESTED, "3", "Interessato", "Interested"),
    ("call-back", DispositionKind.CALL_BACK, "4", "Da richiamare", "Call back"),
    ("not-interested", DispositionKind.NOT_INTERESTED, "5", "Non interessato", "Not interested"),
    ("wrong-person", DispositionKind.WRONG_PERSON, "6", "Persona assente", "Not there now"),
    ("wrong-number", DispositionKind.WRONG_NUMBER, "7", "Numero sbagliato", "Wrong number"),
    ("machine", DispositionKind.MACHINE, "8", "Segreteria telefonica", "Answering machine"),
    ("fax", DispositionKind.FAX, "f", "Fax", "Fax"),
    ("no-conversation", DispositionKind.NO_CONVERSATION, "9", "Nessuna conversazione", "No conversation"),
    ("do-not-call", DispositionKind.DO_NOT_CALL, "0", "Non richiamare più", "Do not call again"),
)


def default_dispositions(language: str = "it") -> DispositionSet:
    """What suits most campaigns, labelled in Italian (``it``) or else in English."""
    italian = language.lower().startswith("it")
    return DispositionSet(
        tuple(
            Disposition(code=code, label=label_it if italian else label_en, kind=kind, key=key)
            for code, kind, key, label_it, label_en in _DEFAULT
        )
    )


# --- what follows for the contact ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Follows:
    """What becomes of a contact.

    Attributes:
        due_at: when it is called again (aware); None: the campaign is done with it.
        next_number: on its next number, never again on the one that was called.
    """

    due_at: datetime | None
    next_number: bool = False


OTHER_NUMBER_AFTER: Final = timedelta(minutes=5)
"""How long after a number that was of no use the next one is called."""


def wish_of(disposition: Disposition, at: datetime) -> datetime | None:
    """When a disposition would have the contact called again, by itself; None if not.

    Args:
        disposition: what was said.
        at: when (aware).
    """
    if disposition.effect is Effect.NEXT_NUMBER:
        return at + OTHER_NUMBER_AFTER
    return None if disposition.pause is None else at + disposition.pause


def follows(
    effect: Effect, due_at: datetime | None, *, callback_at: datetime | None, other_numbers: bool
) -> Follows:
    """What becomes of a contact that an agent spoke with; the same whether the call or the agent was first.

    Args:
        effect: of the last disposition of its last call.
        due_at: when that has it called again; None if the campaign's limits do not allow it.
        callback_at: the hour of its open call-back; None if it has none.
        other_numbers: it has numbers beside the one that was called.
    """
    if effect is Effect.OPT_OUT:
        return Follows(None)
    if callback_at is not None:
        return Follows(callback_at)
    match effect:
        case Effect.RETRY:
            return Follows(due_at)
        case Effect.NEXT_NUMBER if other_numbers:
            return Follows(due_at, next_number=True)
        case _:  # a call-back that was cancelled meanwhile, too
            return Follows(None)
