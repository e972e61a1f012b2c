"""What a script may contain, and how it is filled in within bounds.

A script is text with fields, ``{{ contact.first_name }}``, and conditions, ``{% if contact.city %}``, in the
notation of Jinja2. Who writes scripts need not be trusted with the controller's memory, time or data, so what
a script may contain is a short list that is checked when it is saved: no calls, no assignments, no
arithmetic, loops only over what the context holds and not within each other, and only filters whose result
does not grow. So its work is bounded by its length; Jinja2's sandbox, the bound of the output and the clock
stand behind that.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from functools import lru_cache
from typing import Any, Final

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

from controller.errors import BadInput

LONGEST_OUTPUT: Final = 60_000
"""Characters that a script may become."""
LONGEST_TIME: Final = 0.25
"""Seconds that it may take; the bounds above let the slowest one take some milliseconds."""
LONGEST_VALUE: Final = 1_000
"""Characters of a field that are used."""
MOST_VALUES: Final = 200
"""Attributes and tags of a contact that are used."""
_LONGEST_BETWEEN: Final = 20
_DEEPEST: Final = 12
"""Conditions and loops within each other."""

# Characters that Unicode gives to nobody mark a gap while the text is being made.
GAP_BEGINS, GAP_ENDS = "\ue000", "\ue001"
KNOWN_ATTRIBUTES: Final = {
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
    "contact": frozenset({"name", "number", "email", "key", "tags", "attributes", *KNOWN_ATTRIBUTES}),
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


class Fields:
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
        # A name has no stars: they would set a part of it in bold.
        name = str(self._undefined_name or "").replace("*", "")
        return f"{GAP_BEGINS}{name}{GAP_ENDS}"


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


def _sample_context() -> dict[str, Any]:
    """Something for every name, so that only what is wrong in a script fails."""
    contact = dict.fromkeys(("name", "number", "email", "key"), "sample")
    lists = {"tags": ("sample",), "attributes": Fields(KNOWN_ATTRIBUTES, strict=True)}
    return {
        "contact": Fields({**KNOWN_ATTRIBUTES, **contact, **lists}),
        "campaign": Fields({"name": "campaign", "caller": "Acme", "caller_number": "+390611111111"}),
        "caller": Fields({"name": "Acme", "number": "+390611111111"}),
        "agent": Fields({"id": "1001", "name": "Anna"}),
        "greeting": "Buongiorno",
        "hour": 9,
        "today": "02/03/2026",
    }


# --- what a script may contain ------------------------------------------------------------------------


def check_body(body: str) -> None:
    """Refuse a script that cannot be filled in, or that contains what no script needs.

    Raises:
        BadInput: what is wrong, and in which line.
    """
    if GAP_BEGINS in body or GAP_ENDS in body:
        raise _bad(1, "contains characters that Unicode gives to nobody")
    try:
        tree = _CHECKING.parse(body)
        _look_at(tree, frozenset(), 0, looping=False)
        template = compiled(body, strict=True)
    except TemplateSyntaxError as error:
        raise _bad(error.lineno, error.message or "cannot be read") from None
    except (RecursionError, MemoryError, SyntaxError):
        raise _bad(1, "is nested too deeply") from None
    except (ValueError, OverflowError) as error:  # such as a number of thousands of digits
        raise _bad(1, f"cannot be read: {error}") from None
    write(template, _sample_context())


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
def compiled(body: str, *, strict: bool = False) -> Template:
    """A script that was checked, ready to be filled in; ``strict``: what is missing is an error."""
    return (_CHECKING if strict else _READING).from_string(body)


def write(template: Template, context: Mapping[str, Any]) -> str:
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
