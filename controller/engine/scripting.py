"""Scripts filled in with a contact's data, and everything that keeps that harmless.

A script is text with fields, ``{{ contact.first_name }}``, and conditions, ``{% if contact.city %}``, in the
notation of Jinja2. Who writes scripts need not be trusted with the controller's memory, time or data, so what
a script may contain is a short list that is checked when it is saved: no calls, no assignments, no
arithmetic, loops only over what the context holds and not within each other, and only filters whose result
does not grow. So its work is bounded by its length; Jinja2's sandbox, the bound of the output and the clock
stand behind that.

The text is never markup: for a web page all of it is escaped, whether it came from the script or from a
contact, and only then its lines become paragraphs. So no contact's name can run in an agent's browser.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from jinja2 import (
    ChainableUndefined,
    StrictUndefined,
    Template,
    TemplateError,
    TemplateSyntaxError,
    Undefined,
    nodes,
)
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup, escape

from controller.domain.campaign import Campaign
from controller.domain.contact import Contact
from controller.domain.ids import E164, CampaignId, ContactId
from controller.domain.script import Question, Script, check_script
from controller.engine.calendar import zones_of
from controller.errors import BadInput
from controller.ports.work import Scripts

LONGEST_OUTPUT: Final = 60_000
"""Characters that a script may become."""
LONGEST_TIME: Final = 0.25
"""Seconds that it may take; the bounds above let the slowest one take some milliseconds."""
_LONGEST_VALUE: Final = 1_000
"""Characters of a field that are used."""
_MOST_VALUES: Final = 200
"""Attributes and tags of a contact that are used."""
_LONGEST_BETWEEN: Final = 20
_DEEPEST: Final = 12
"""Conditions and loops within each other."""

# Characters that Unicode gives to nobody mark a gap while the text is being made.
_GAP_BEGINS, _GAP_ENDS = "\ue000", "\ue001"
_GAPS: Final = re.compile(f"{_GAP_BEGINS}([^{_GAP_ENDS}]*){_GAP_ENDS}")
_BLANK: Final = "_____"
_BOLD: Final = re.compile(r"\*\*(\S(?:[^*\n]*\S)?)\*\*")

_KNOWN_ATTRIBUTES: Final = {
    "first_name": "Maria",
    "last_name": "Rossi",
    "title": "Dott.ssa",
    "address": "Via Roma 1",
    "city": "Forlì",
    "province": "FC",
    "postal_code": "47121",
    "country": "IT",
    "gender": "f",
    "birth_date": "1980-02-29",
    "language": "it",
    "profession": "architetto",
}
"""Attributes that lists mostly have, with what stands for them in a sample."""

_FIELDS: Final[Mapping[str, frozenset[str]]] = {
    "contact": frozenset({"name", "number", "email", "key", "tags", "attributes", *_KNOWN_ATTRIBUTES}),
    "campaign": frozenset({"name", "caller", "caller_number"}),
    "agent": frozenset({"id", "name"}),
    "caller": frozenset({"name", "number"}),
    "loop": frozenset({"index", "index0", "first", "last", "length"}),
}
_PLAIN: Final = frozenset({"greeting", "hour", "today"})

_TESTS: Final = frozenset({"defined", "undefined", "in", "eq", "ne", "equalto"})

_ALLOWED: Final = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.If, nodes.For, nodes.CondExpr, nodes.Name,
    nodes.Const, nodes.List, nodes.Tuple, nodes.Getattr, nodes.Getitem, nodes.Filter, nodes.Test,
    nodes.Keyword, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Concat,
)  # fmt: skip
_WORDS: Final[Mapping[type[nodes.Node], str]] = {
    nodes.Call: "calls",
    nodes.Assign: "assignments",
    nodes.AssignBlock: "assignments",
    nodes.Macro: "macros",
    nodes.Include: "includes",
    nodes.Import: "imports",
    nodes.FromImport: "imports",
    nodes.Extends: "inheritance",
    nodes.Block: "blocks",
    nodes.Slice: "slices",
}


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


class _Fields:
    """Values by name, and nothing else: no methods that a script could name."""

    __slots__ = ("_strict", "_values")

    def __init__(self, values: Mapping[str, Any], *, strict: bool = False) -> None:
        # Without a value a field is missing, also for conditions.
        self._values = {name: value for name, value in values.items() if value not in ("", None)}
        self._strict = strict

    def __getitem__(self, name: object) -> Any:
        if self._strict and isinstance(name, str):
            return self._values.get(name, "sample")
        return self._values[str(name)]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __str__(self) -> str:
        return ", ".join(f"{name}: {value}" for name, value in self._values.items())


class _Gap(ChainableUndefined):
    """What is missing: false in conditions, a marked gap where it is written."""

    def __str__(self) -> str:
        return f"{_GAP_BEGINS}{self._undefined_name or ''}{_GAP_ENDS}"


def _each(filter_: Callable[..., Any]) -> Callable[..., Any]:
    """A filter that leaves a gap a gap."""

    def applied(value: Any, *arguments: Any, **options: Any) -> Any:
        return value if isinstance(value, Undefined) else filter_(value, *arguments, **options)

    return applied


def _joined(value: object, between: str = ", ") -> str:
    """A list in one line. Only of a list: texts joined by characters, again and again, would grow."""
    if not isinstance(value, list | tuple):
        return str(value)
    return str(between)[:_LONGEST_BETWEEN].join(str(item) for item in value)


def _shortened(value: object, length: int = 255) -> str:
    text = str(value)
    return text if len(text) <= length else text[: max(length - 1, 0)] + "…"


def _date(value: object) -> object:
    """A date as people write it, 29/02/1980; what is none is left as it is."""
    if isinstance(value, str):
        try:
            value = date.fromisoformat(value[:10])
        except ValueError:
            return value
    return f"{value:%d/%m/%Y}" if isinstance(value, date) else value


_FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    "capitalize": _each(lambda value: str(value).capitalize()),
    "date": _each(_date),
    "default": lambda value, instead="": instead if isinstance(value, Undefined) else value,
    "first": _each(lambda value: next(iter(value), "")),
    "join": _each(_joined),
    "length": lambda value: len(value),
    "lower": _each(lambda value: str(value).lower()),
    "title": _each(lambda value: str(value).title()),
    "trim": _each(lambda value: str(value).strip()),
    "truncate": _each(_shortened),
    "upper": _each(lambda value: str(value).upper()),
}


def _environment(missing: type[Undefined]) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        undefined=missing, autoescape=False, trim_blocks=True, lstrip_blocks=True, cache_size=0
    )
    environment.filters = dict(_FILTERS)
    environment.tests = {name: environment.tests[name] for name in sorted(_TESTS)}
    environment.globals.clear()
    return environment


_CHECKING: Final = _environment(StrictUndefined)
_READING: Final = _environment(_Gap)


# --- what a script may contain ------------------------------------------------------------------------


def check_body(body: str) -> None:
    """Refuse a script that cannot be filled in, or that contains what no script needs.

    Raises:
        BadInput: what is wrong, and in which line.
    """
    if _GAP_BEGINS in body or _GAP_ENDS in body:
        raise _bad(1, "contains characters that Unicode gives to nobody")
    try:
        tree = _CHECKING.parse(body)
        _look_at(tree, frozenset(), 0, looping=False)
        template = _compiled(body, strict=True)
    except TemplateSyntaxError as error:
        raise _bad(error.lineno, error.message or "cannot be read") from None
    except (RecursionError, MemoryError, SyntaxError):
        raise _bad(1, "is nested too deeply") from None
    except (ValueError, OverflowError) as error:  # such as a number of thousands of digits
        raise _bad(1, f"cannot be read: {error}") from None
    _write(template, _sample_context(strict=True))


def _bad(line: int, problem: str, allowed: str = "") -> BadInput:
    return BadInput(f"script line {line}", problem, allowed)


def _look_at(node: nodes.Node, loops: frozenset[str], depth: int, *, looping: bool) -> None:
    if not isinstance(node, _ALLOWED):
        word = _WORDS.get(type(node), "")
        raise _bad(node.lineno, f"{word or type(node).__name__.lower()} cannot be used in a script")
    match node:
        case nodes.If() | nodes.For():
            depth += 1
            if depth > _DEEPEST:
                raise _bad(node.lineno, f"more than {_DEEPEST} conditions and loops within each other")
        case nodes.Name() if node.ctx == "load":
            _known_name(node, loops)
        case nodes.Getattr() | nodes.Getitem():
            _known_field(node, loops)
        case nodes.Filter() if node.name not in _FILTERS:
            raise _bad(node.lineno, f"there is no filter {node.name}", ", ".join(_FILTERS))
        case nodes.Test() if node.name not in _TESTS:
            raise _bad(node.lineno, f"there is no test {node.name}", ", ".join(sorted(_TESTS)))
    if isinstance(node, nodes.For):
        if looping:
            raise _bad(node.lineno, "a loop within a loop cannot be used in a script")
        if node.recursive or not isinstance(node.target, nodes.Name):
            raise _bad(node.lineno, "only a loop with one name", "{% for tag in contact.tags %}")
        if node.target.name in _FIELDS or node.target.name in _PLAIN:
            raise _bad(node.lineno, f"{node.target.name} has a meaning already")
        _look_at(node.iter, loops, depth, looping=True)
        inner = loops | {node.target.name, "loop"}
        for child in (*node.body, *node.else_, *((node.test,) if node.test else ())):
            _look_at(child, inner, depth, looping=True)
        return
    for child in node.iter_child_nodes():
        _look_at(child, loops, depth, looping=looping)


def _known_name(node: nodes.Name, loops: frozenset[str]) -> None:
    if node.name not in loops and node.name not in _PLAIN and node.name not in _FIELDS:
        raise _bad(node.lineno, f"{node.name} is not known", ", ".join(sorted(_PLAIN | _FIELDS.keys())))


def _known_field(node: nodes.Getattr | nodes.Getitem, loops: frozenset[str]) -> None:
    name: object = None
    if isinstance(node, nodes.Getattr):
        name = node.attr
    elif isinstance(node.arg, nodes.Const):
        name = node.arg.value
    if isinstance(name, str) and name.startswith("_"):
        raise _bad(node.lineno, f"{name} cannot be used in a script")
    of = node.node
    if _is_attributes(of):
        return
    if isinstance(of, nodes.Name) and of.name not in loops:
        _known_name(of, loops)
    if not isinstance(of, nodes.Name) or (fields := _FIELDS.get(of.name)) is None:
        raise _bad(node.lineno, "this has no fields", ", ".join(sorted(_FIELDS)) + ", contact.attributes")
    if name in fields:
        return
    problem = f"{of.name} has no field {name}" if name is not None else f"which field of {of.name}?"
    hint = "; what else a list has is contact.attributes.NAME" if of.name == "contact" else ""
    raise _bad(node.lineno, problem, ", ".join(sorted(fields)) + hint)


def _is_attributes(node: nodes.Node) -> bool:
    match node:
        case nodes.Getattr(node=nodes.Name(name="contact"), attr="attributes"):
            return True
    return False


# --- filling in ---------------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def _compiled(body: str, *, strict: bool = False) -> Template:
    return (_CHECKING if strict else _READING).from_string(body)


def _write(template: Template, context: Mapping[str, Any]) -> str:
    """Fill in, within the bounds of output and time.

    Raises:
        BadInput: it cannot be filled in, or not within the bounds.
    """
    pieces: list[str] = []
    length, until = 0, time.monotonic() + LONGEST_TIME
    try:
        for piece in template.generate(context):
            length += len(piece)
            if length > LONGEST_OUTPUT:
                raise BadInput("script", f"becomes longer than {LONGEST_OUTPUT} characters")
            if time.monotonic() > until:
                raise BadInput("script", f"takes longer than {LONGEST_TIME} s")
            pieces.append(piece)
    except BadInput:
        raise
    except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise _bad(_line_of(error), str(error) or type(error).__name__) from None
    except (RecursionError, MemoryError):
        raise _bad(1, "is nested too deeply") from None
    return "".join(pieces)


def _line_of(error: BaseException) -> int:
    """The script's line in which it went wrong: Jinja2 puts it into the traceback."""
    line, trace = 1, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<template>":
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def rendered(script: Script, context: Mapping[str, Any]) -> Rendered:
    """A script filled in.

    Raises:
        BadInput: it cannot be, or not within the bounds.
    """
    raw = _write(_compiled(script.body), context).strip()
    gaps = tuple(dict.fromkeys(_GAPS.findall(raw)))
    text = _GAPS.sub(_BLANK, _BOLD.sub(r"\1", raw))
    return Rendered(script=script, text=text, html=_as_html(raw), gaps=gaps)


def _as_html(raw: str) -> str:
    escaped = str(escape(raw))
    escaped = _BOLD.sub(r"<strong>\1</strong>", escaped)
    escaped = _GAPS.sub(r'<mark class="gap" title="\1"></mark>', escaped)
    paragraphs = (part.strip("\n") for part in re.split(r"\n[ \t]*\n", escaped))
    return Markup("\n").join(
        Markup(f"<p>{'<br>'.join(part.splitlines())}</p>") for part in paragraphs if part.strip()
    )


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
    return _context(situation, strict=False)


def _context(situation: Situation, *, strict: bool) -> dict[str, Any]:
    contact, campaign, clocks = situation.contact, situation.campaign, situation.wall_clocks
    attributes = {name: _clean(value) for name, value in list(contact.attributes.items())[:_MOST_VALUES]}
    known = {name: attributes.get(name, "") for name in _KNOWN_ATTRIBUTES}
    number = "" if contact.number.startswith("#") else contact.number
    fields = {
        "name": _clean(contact.name),
        "number": number,
        "email": _clean(contact.email),
        "key": _clean(contact.key),
        "tags": tuple(_clean(tag) for tag in sorted(contact.tags)[:_MOST_VALUES]),
        "attributes": _Fields(attributes, strict=strict),
    }
    caller = {"name": campaign.caller, "number": campaign.caller_number}
    return {
        "contact": _Fields(known | fields),
        "campaign": _Fields(
            {
                "name": campaign.id,
                "caller": campaign.caller,
                "caller_number": campaign.caller_number,
            }
        ),
        "caller": _Fields(caller),
        "agent": _Fields({"id": situation.agent.id, "name": situation.agent.name}),
        "greeting": greeting(clocks, attributes.get("language", "it")),
        "hour": clocks[0].hour,
        "today": f"{clocks[0]:%d/%m/%Y}",
    }


def _clean(value: object) -> str:
    """A value without what marks gaps, and not without end."""
    return str(value)[:_LONGEST_VALUE].replace(_GAP_BEGINS, "").replace(_GAP_ENDS, "")


_SAMPLE_TIME: Final = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


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
        attributes=_KNOWN_ATTRIBUTES,
    )


def _sample_context(*, strict: bool) -> dict[str, Any]:
    contact = sample_contact()
    return {
        "contact": _Fields(
            {
                **_KNOWN_ATTRIBUTES,
                "name": contact.name,
                "number": contact.number,
                "email": contact.email,
                "key": contact.key,
                "tags": tuple(contact.tags),
                "attributes": _Fields(_KNOWN_ATTRIBUTES, strict=strict),
            }
        ),
        "campaign": _Fields({"name": "campaign", "caller": "Acme", "caller_number": "+390611111111"}),
        "caller": _Fields({"name": "Acme", "number": "+390611111111"}),
        "agent": _Fields({"id": "1001", "name": "Anna"}),
        "greeting": "Buongiorno",
        "hour": 9,
        "today": f"{_SAMPLE_TIME:%d/%m/%Y}",
    }


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
