"""The regulation profiles: rules as data, one file each, checked when they are read.

Shipped are ``it-garante-2014`` (the default), ``us-ftc-tsr`` and ``uk-ofcom-2010``. Profiles of one's own
extend one of these (docs/regulation.md).

    comparison   whether one profile is looser than another
    reading      from files to profiles
    tables       what a file may hold
    words        a profile in plain words
"""

from __future__ import annotations

from importlib.resources import files
from types import MappingProxyType
from typing import Final

from controller.domain.regulation import Regulation
from controller.law.comparison import looser
from controller.law.reading import load, load_directory, read_shipped
from controller.law.words import plain_words

__all__ = ["IT_GARANTE_2014", "PROFILES", "load", "load_directory", "looser", "plain_words"]


def _shipped() -> dict[str, Regulation]:
    folder = files(__name__) / "profiles"
    profiles = (
        read_shipped(entry.read_text("utf-8"), entry.name)
        for entry in sorted(folder.iterdir(), key=lambda each: each.name)
        if entry.name.endswith(".toml")
    )
    return {law.name: law for law in profiles}


PROFILES: Final = MappingProxyType(_shipped())
"""The shipped profiles by name."""

IT_GARANTE_2014: Final = PROFILES["it-garante-2014"]
"""Garante per la protezione dei dati personali, 20 February 2014, n. 83 (doc. web 3017499)."""
