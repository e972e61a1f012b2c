"""Reading profiles: TOML, refused whole with file, line and field if anything is wrong.

A profile of one's own extends another one, at last a shipped one, and is compared with every profile on the
way there: so it cannot be made looser in small steps, nor by way of another's override.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from controller.domain.regulation import LawOverride, Played, Regulation, Source
from controller.errors import BadInput
from controller.law.comparison import RULES, looser
from controller.law.tables import NAMED, OPTIONAL, SOURCED, ProfileTables, allowed_at, key_of
from controller.toml_lines import Place, lines_of, nearest

_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}", re.ASCII)
_OWN = "our choice"


def read_shipped(text: str, place: str) -> Regulation:
    """A profile that extends none and says everything itself.

    Args:
        text: TOML.
        place: its file; without ``.toml`` it is the profile's name.

    Raises:
        BadInput: anything is wrong; with file, line and field.
    """
    file = _File.read(text, place)
    if file.tables.extends or file.tables.override:
        raise file.bad(
            "extends, override: a profile that stands for itself has neither", "extends", "override"
        )
    for key in NAMED:
        if key not in OPTIONAL and key not in file.tables.model_fields_set | _aliased(file.tables):
            raise file.bad(f"{key} is missing", allowed=allowed_at((key,)))
    law: Regulation = file.made(Regulation, name=file.name, **file.tables.values())
    return replace(
        law, sources=file.tables.own_sources(), not_covered=tuple(file.tables.not_covered.values())
    )


def load(path: Path, known: Mapping[str, Regulation]) -> Regulation:
    """One profile of one's own, with those beside it that it extends.

    Args:
        path: its file; without ``.toml`` it is the profile's name.
        known: profiles there are already, such as the shipped ones; their names are taken.

    Raises:
        BadInput: it, or one that it extends, cannot be used; with file, line and field.
    """
    return _load(path, known, {}, ())


def load_directory(directory: Path, known: Mapping[str, Regulation]) -> dict[str, Regulation]:
    """All profiles in a directory of one's own; a file may extend another one of them.

    Args:
        directory: with TOML files; other files are passed over.
        known: as for ``load``.

    Returns:
        The directory's own ones, by name.

    Raises:
        BadInput: a file cannot be used; none of them is in force then.
    """
    try:
        paths = sorted(each for each in directory.iterdir() if each.suffix == ".toml")
    except OSError as error:
        raise BadInput(str(directory), f"cannot be read: {error.strerror}", "a directory") from None
    made: dict[str, Regulation] = {}
    for path in paths:
        _load(path, known, made, ())
    return made


def _load(
    path: Path, known: Mapping[str, Regulation], made: dict[str, Regulation], below: tuple[str, ...]
) -> Regulation:
    """One file, after those it extends, put into ``made``; ``below`` are the files that led to it."""
    if path.stem in made:
        return made[path.stem]
    file = _File.read(_text(path), str(path))
    if file.name in known:
        raise BadInput(
            str(path), f"the name {file.name!r} is taken by a shipped profile", "another file name"
        )
    base = file.tables.extends
    if not base:
        raise file.bad("extends: a profile of one's own names the one it extends", allowed=", ".join(known))
    if base in (*below, file.name):
        raise file.bad(f"extends: {base!r} extends this one in turn", "extends", allowed=", ".join(known))
    if base not in known and _NAME.fullmatch(base):
        beside = path.parent / f"{base}.toml"
        if beside.exists():
            _load(beside, known, made, (*below, file.name))
    there = {**known, **made}
    if base not in there:
        raise file.bad(f"extends: there is no profile {base!r}", "extends", allowed=", ".join(there))
    law = made[file.name] = _own(file, there)
    return law


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise BadInput(str(path), f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise BadInput(str(path), f"byte {error.start} is not UTF-8") from None


def _own(file: _File, known: Mapping[str, Regulation]) -> Regulation:
    base = known[file.tables.extends]
    values = file.tables.values()
    law: Regulation = file.made(
        replace,
        base,
        name=file.name,
        extends=base.name,
        override=None,
        sources=_sources(base, file, values),
        # What the base does not see to is not seen to here either; one can only add to it.
        not_covered=tuple(dict.fromkeys((*base.not_covered, *file.tables.not_covered.values()))),
        **values,
    )
    return _answered_for(file, law, list(_ancestors(base, known)))


def _ancestors(law: Regulation, known: Mapping[str, Regulation]) -> Iterable[Regulation]:
    while True:
        yield law
        if not law.extends:
            return
        law = known[law.extends]


def _sources(base: Regulation, file: _File, values: Iterable[str]) -> dict[str, Source]:
    """The base's sources, but for what the file sets: that has the file's source, or none but the file."""
    kept = {field: source for field, source in base.sources.items() if field.partition(".")[0] not in values}
    own = file.tables.own_sources()
    given = {field.partition(".")[0] for field in own}
    unsaid = Source(f"set by the profile {file.name}, which names no source", _OWN)
    return kept | {field: unsaid for field in values if field in RULES and field not in given} | own


def _answered_for(file: _File, law: Regulation, ancestors: list[Regulation]) -> Regulation:
    """The profile, if it is not looser than any that it comes from, or somebody answers for that it is.

    Raises:
        BadInput: it is looser, and nobody does; or somebody does, and it is not.
    """
    found = {words: base.name for base in reversed(ancestors) for words in looser(law, base)}
    override = file.tables.override
    if found and override is None:
        fields = [key_of(words.partition(":")[0]) for words in found]
        raise file.bad(
            f"looser than {', '.join(dict.fromkeys(found.values()))}: " + "; ".join(found),
            *fields,
            allowed="stricter values, or [override] with author and reason, which is recorded",
        )
    if override is None:
        return law
    if not found:
        raise file.bad(
            f"override: there is nothing to answer for, it is not looser than {ancestors[-1].name}",
            "override",
        )
    answer = LawOverride(author=override.author, reason=override.reason, looser=tuple(found))
    return replace(law, override=answer)


@dataclass(frozen=True, slots=True)
class _File:
    """A file that could be read.

    Attributes:
        name: the profile's.
        place: the file, for messages.
        lines: where its tables and keys stand.
    """

    name: str
    place: str
    lines: dict[Place, int]
    tables: ProfileTables

    @classmethod
    def read(cls, text: str, place: str) -> _File:
        name = Path(place).name.removesuffix(".toml")
        if not _NAME.fullmatch(name):
            allowed = "small letters, digits, . and - before .toml, 64 at most"
            raise BadInput(place, f"{name!r} cannot name a profile", allowed)
        lines = lines_of(text)
        try:
            file = cls(name, place, lines, ProfileTables.model_validate(_toml(text, place)))
        except ValidationError as error:
            raise _problem(error, place, lines) from None
        for stray in file.tables.strays():
            line = nearest(lines, ("sources", *stray.split(".")))
            allowed = ", ".join(sorted(SOURCED)) + ", or limits.NAME of a limit in the file"
            raise BadInput(_at(place, line), f"sources: there is no rule {stray!r} here", allowed)
        return file

    def bad(self, problem: str, *keys: str, allowed: str = "") -> BadInput:
        """A problem, at the line of the first of the keys that the file has."""
        line = next((self.lines[(key,)] for key in keys if (key,) in self.lines), None)
        # [[limits]] has lines for each of its tables only.
        if line is None and "limits" in keys:
            line = self.lines.get(("limits", 0))
        return BadInput(_at(self.place, line), problem, allowed)

    def made(self, make: Any, *args: Any, **values: Any) -> Any:
        """A Regulation, by a function that makes one.

        Raises:
            BadInput: its values contradict each other.
        """
        try:
            law = make(*args, **values)
        except ValueError as error:
            raise self.bad(str(error), *(key for key in NAMED if key in str(error))) from None
        if law.played is Played.NOISE and law.noise_within >= law.hang_up_after:
            problem = "noise_within: the call is over before there is noise (hang_up_after)"
            raise self.bad(problem, "noise_within", "hang_up_after")
        return law


def _aliased(tables: ProfileTables) -> set[str]:
    return {"register"} if "register_" in tables.model_fields_set else set()


def _toml(text: str, place: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise BadInput(place, "this is no TOML: too deep") from None
    except ValueError as error:  # TOMLDecodeError, or a number of too many digits.
        at = re.search(r" \(at (?:line (\d+), column \d+|end of document)\)", str(error))
        line = None if at is None else int(at[1] or max(1, len(text.splitlines())))
        problem = str(error).replace(at[0], "") if at else str(error)
        raise BadInput(_at(place, line), f"this is no TOML: {problem}") from None


def _problem(error: ValidationError, place: str, lines: dict[Place, int]) -> BadInput:
    """The first of pydantic's errors, in our words."""
    first = error.errors(include_url=False)[0]
    where: Place = tuple(part for part in first["loc"] if part not in _BRANCHES)
    flat = tuple(each for part in where for each in (part.split(".") if isinstance(part, str) else (part,)))
    field = ".".join(str(part) for part in where)
    kind, value = first["type"], first["input"]
    if kind == "extra_forbidden":
        problem = "there is no such field"
    elif kind == "missing":
        problem = "is missing"
    elif kind == "value_error":
        problem = first["msg"].removeprefix("Value error, ")
    elif isinstance(value, str | int | float | bool):
        problem = f"{value!r} cannot be used"
    else:
        problem = f"this {type(value).__name__} cannot be used"
    allowed = "" if not where or "allowed:" in problem else allowed_at(where)
    return BadInput(_at(place, nearest(lines, flat)), f"{field}: {problem}" if field else problem, allowed)


_BRANCHES = frozenset({"RegisterTable", "literal['none']"})
"""What pydantic puts into a place for the choices of a union."""


def _at(place: str, line: int | None) -> str:
    return place if line is None else f"{place} line {line}"
