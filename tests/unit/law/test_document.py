"""docs/regulation.md says what the profiles say.

Its tables are made by ``python -m tests.unit.law.test_document``.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

from controller.domain.hours import Hours, written
from controller.domain.regulation import CallerIdRule, RegisterRule, Regulation
from controller.law import PROFILES
from controller.law.comparison import RULES
from controller.law.tables import NAMED, key_of

TEXT = (Path(__file__).parents[3] / "docs" / "regulation.md").read_text("utf-8")


def rows(law: Regulation) -> Iterator[str]:
    """The rows of a profile's table."""
    for limit in law.limits:
        window = {None: "the whole campaign", 1: "each day"}.get(limit.days, f"each {limit.days} days")
        value = f"{limit.share} of {limit.denominator.value}, {window}"
        source = law.sources.get(f"limits.{limit.name}") or law.sources["limits"]
        yield f"| `limits`: {limit.name} | {value} | {source.text} | {source.sure} |"
    for field in RULES:
        if field in law.sources and field != "limits":
            each = law.sources[field]
            yield f"| `{key_of(field)}` | {_value(getattr(law, field), field)} | {each.text} | {each.sure} |"


def _value(value: Any, field: str) -> str:
    match value:
        case None:
            return "at any time" if field == "hours" else "none"
        case bool():
            return "yes" if value else "no"
        case timedelta() if key_of(field).endswith("_days"):
            return f"{value / timedelta(days=1):g} days"
        case timedelta():
            return f"{value.total_seconds():g} s"
        case Enum():
            return str(value.value)
        case Hours():
            return written(value)
        case RegisterRule():
            return f"{value.name}, {value.max_age / timedelta(days=1):g} days"
        case CallerIdRule():
            free = f"; free: {', '.join(value.free_prefixes)}" if value.free_prefixes else ""
            return ("required" if value.required else "none") + (
                f", must be answered{free}" if value.must_answer else ""
            )
        case _:
            raise AssertionError(value)


@pytest.mark.parametrize("law", PROFILES.values(), ids=PROFILES.keys())
def test_every_value_is_in_its_profile_s_table(law: Regulation) -> None:
    section = TEXT.split(f"## `{law.name}`")[1].split("\n## ")[0]
    assert [row for row in rows(law) if row not in section] == []
    # And no row of a value that is no longer there (header and rule apart).
    assert sum(line.startswith("|") for line in section.splitlines()) - 2 == len(list(rows(law)))


@pytest.mark.parametrize("law", PROFILES.values(), ids=PROFILES.keys())
def test_what_it_does_not_see_to_is_there_too(law: Regulation) -> None:
    section = TEXT.split(f"## `{law.name}`")[1].split("\n## ")[0]
    assert [matter for matter in law.not_covered if f"- {matter}\n" not in section] == []


def test_every_field_of_a_file_is_described() -> None:
    own = TEXT.split("## A profile of your own")[1]
    assert [field for field in NAMED if f"`{field}`" not in own] == []


if __name__ == "__main__":
    for each in PROFILES.values():
        print(f"## `{each.name}`\n\n| field | value | source | how sure |\n|---|---|---|---|")
        print("\n".join(rows(each)))
        print("\nNot seen to:\n\n" + "\n".join(f"- {matter}" for matter in each.not_covered) + "\n")
