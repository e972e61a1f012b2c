"""The contact lists of the demo: made, not typed, so that they are the same at every run."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from lab.numbers import Behaviour, number

_NAMES: Final = (
    "Anna Bruno Carla Dario Elena Franco Gina Hugo Irene Luca Marta Nino Olga Paolo Rita Sara Tito Ugo"
)
_TOWNS: Final = "Bari Como Enna Lodi Pisa Roma Siena Torino Udine Varese"
_SEED: Final = 2014  # the year of the authority's decision


class Row(NamedTuple):
    """One contact of a list.

    Attributes:
        second: Another number of theirs; empty if they have one only.
    """

    number: str
    name: str
    town: str
    second: str = ""

    @property
    def email(self) -> str:
        """Nobody's address: the domain is set aside for examples."""
        return f"{self.name.lower()}.{self.number[-6:]}@example.org"


_SECOND: Final = frozenset({Behaviour.UNREACHABLE, Behaviour.NO_ANSWER})
"""Who is reached on another number, if they have one."""


def lawful(count: int = 160) -> list[Row]:
    """People and what becomes of calls to them: most answer within three seconds, some never do."""
    chance = random.Random(_SEED)
    kinds = [Behaviour.PERSON] * 14 + [Behaviour.BUSY, Behaviour.NO_ANSWER, Behaviour.DECLINES]
    kinds += [Behaviour.UNREACHABLE, Behaviour.MACHINE, Behaviour.NETWORK_FAILURE]
    rows = []
    for serial in range(count):
        kind = chance.choice(kinds)
        ring = round(chance.uniform(0.4, 3.0), 1)
        hold = float(chance.randint(3, 6)) if kind in (Behaviour.PERSON, Behaviour.MACHINE) else 0.0
        second = number(Behaviour.PERSON, ring=1.0, hold=4.0, serial=300 + serial) if kind in _SECOND else ""
        rows.append(_row(chance, number(kind, ring=ring, hold=hold, serial=serial), second))
    return rows


def burst(count: int = 60) -> list[Row]:
    """People who all pick up soon and wait to be cut; some agents free up in time to rescue them."""
    chance = random.Random(_SEED + 1)
    rows = []
    for serial in range(count):
        ring = round(chance.uniform(0.5, 2.5), 1)
        hold = float(chance.choice([3, 3, 4, 5]))
        rows.append(_row(chance, number(Behaviour.PERSON, ring=ring, hold=hold, serial=500 + serial)))
    return rows


def _row(chance: random.Random, e164: str, second: str = "") -> Row:
    return Row(e164, chance.choice(_NAMES.split()), chance.choice(_TOWNS.split()), second)


def numbers(rows: Sequence[Row]) -> set[str]:
    """All numbers of a list."""
    return {number for row in rows for number in (row.number, row.second) if number}


def opted_out(rows: Sequence[Row]) -> list[str]:
    """Those who asked not to be called: every fortieth."""
    return [row[0] for row in rows[7::40]]


def opposed(rows: Sequence[Row]) -> list[str]:
    """Those who are in the opposition register: every fiftieth."""
    return [row[0] for row in rows[3::50]]


def write_register(path: Path, rows: Sequence[Row]) -> None:
    """Write what the register answered: everybody was asked about, some are in it."""
    inside = set(opposed(rows))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["numero", "iscritto"])
        writer.writerows([number, "si" if number in inside else "no"] for number in sorted(numbers(rows)))


def write_numbers(path: Path, numbers: Iterable[str]) -> None:
    """Write a list of numbers, one a line."""
    path.write_text("\n".join(numbers) + "\n", "utf-8")


def write(path: Path, rows: Sequence[Row], *, flaws: bool = False) -> None:
    """Write a list as call centres have them: Italian headings, numbers in national form.

    Args:
        path: of the CSV file.
        rows: the contacts.
        flaws: add what real lists have: a duplicate, a number that is none, an emergency number.
    """
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=";")
        consent = ["contratto", "modulo di adesione", "2026-01-15"]
        headers = ["cellulare", "telefono casa", "nome", "email", "città"]
        writer.writerow([*headers, "consenso", "fonte consenso", "data consenso"])
        for row in rows:
            national = [number.removeprefix("+39") for number in (row.number, row.second)]
            writer.writerow([*national, row.name, row.email, row.town, *consent])
        if flaws and rows:
            first = rows[0]
            spaced = f"+39 {first.number[3:6]} {first.number[6:]}"
            writer.writerow([spaced, "", first.name, first.email, first.town, *consent])
            writer.writerow(["12345", "", "Nessuno", "", "Roma", *consent])
            writer.writerow(["112", "", "Emergenza", "", "Roma", *consent])
