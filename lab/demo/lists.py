"""The contact lists of the demo: made, not typed, so that they are the same at every run."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from lab.numbers import Behaviour, number

_NAMES: Final = (
    "Anna Bruno Carla Dario Elena Franco Gina Hugo Irene Luca Marta Nino Olga Paolo Rita Sara Tito Ugo"
)
_TOWNS: Final = "Bari Como Enna Lodi Pisa Roma Siena Torino Udine Varese"
_SEED: Final = 2014  # the year of the authority's decision

Row = tuple[str, str, str]


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
        rows.append(_row(chance, number(kind, ring=ring, hold=hold, serial=serial)))
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


def _row(chance: random.Random, e164: str) -> Row:
    return e164, chance.choice(_NAMES.split()), chance.choice(_TOWNS.split())


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
        writer.writerows([number, "si" if number in inside else "no"] for number, _, _ in rows)


def write_numbers(path: Path, numbers: Iterable[str]) -> None:
    """Write a list of numbers, one a line."""
    path.write_text("\n".join(numbers) + "\n", "utf-8")


def write(path: Path, rows: Iterable[Row], *, flaws: bool = False) -> None:
    """Write a list as call centres have them: Italian headings, numbers in national form.

    Args:
        path: of the CSV file.
        rows: number, name, town.
        flaws: add what real lists have: a duplicate, a number that is none, an emergency number.
    """
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=";")
        consent = ["contratto", "modulo di adesione", "2026-01-15"]
        writer.writerow(["telefono", "nome", "città", "consenso", "fonte consenso", "data consenso"])
        first = None
        for e164, name, town in rows:
            first = first or (e164, name, town)
            writer.writerow([e164.removeprefix("+39"), name, town, *consent])
        if flaws and first is not None:
            writer.writerow([f"+39 {first[0][3:6]} {first[0][6:]}", first[1], first[2], *consent])
            writer.writerow(["12345", "Nessuno", "Roma", *consent])
            writer.writerow(["112", "Emergenza", "Roma", *consent])
