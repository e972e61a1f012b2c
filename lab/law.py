"""The laws of lab and demo: Italy's, but at any hour, and in the lab for people who do not exist.

Nobody's phone rings in the lab, so there is nobody whose consent, evening or opposition could be looked up.
Everything else is as in the profile it extends; that it is looser is recorded, as it would be anywhere.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from controller.domain.regulation import Regulation
from controller.law import PROFILES, load_directory

NAME: Final = "lab"
DEMO: Final = "demo"

_DEMO: Final = """\
extends = "it-garante-2014"
title = "Italy's rules in the demo, which may be shown at any hour"
hours = "always"

[override]
author = "the demo"
reason = "a simulated telephone network: nobody is disturbed at night"
"""

_PROFILE: Final = """\
extends = "it-garante-2014"
title = "Italy's rules in the lab, where nobody lives"
hours = "always"
consent_required = false
register = "none"

[caller_id]
required = false
must_answer = false

[override]
author = "the lab"
reason = "a simulated telephone network: nobody's phone rings"
"""


def write(directory: Path) -> None:
    """Put the profiles into a directory, made if need be."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / f"{DEMO}.toml").write_text(_DEMO, "utf-8")
    (directory / f"{NAME}.toml").write_text(_PROFILE, "utf-8")


def load(directory: Path) -> Regulation:
    """The lab's profile, read as a controller would read it."""
    write(directory)
    return load_directory(directory, PROFILES)[NAME]
