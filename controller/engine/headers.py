"""What headers of files mean, however people write them. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from controller.errors import BadInput

_NUMBER_WORDS = """
phone phonenumber telephone telephonenumber tel telnumber telno phoneno telefono numeroditelefono
numerotelefono numtelefono cellulare numerocellulare numerodicellulare cell cellphone cellphonenumber mobile
mobilenumber mobilephone mobilephonenumber recapitotelefonico utenza msisdn e164 callee
"""
_NUMBER = frozenset(_NUMBER_WORDS.split())
_PERHAPS_NUMBER = frozenset(("number", "numero", "num"))  # may be that of a house


def is_number_word(word: str) -> bool:
    """Whether a header, made plain, says that its column has telephone numbers."""
    return word in _NUMBER


def plain(header: str) -> str:
    """A header without case, accents, spaces and signs."""
    letters = unicodedata.normalize("NFKD", header).casefold()
    return "".join(letter for letter in letters if letter.isalnum())


def column_of(headers: Sequence[str], wanted: str, place: str) -> int:
    """The column of this header; case, accents, spaces and signs count only where it takes them.

    Raises:
        BadInput: there is none, or more than one.
    """
    for form in (str, str.strip, plain):
        found = [i for i, header in enumerate(headers) if form(header) == form(wanted)]
        if len(found) == 1:
            return found[0]
        if found:
            raise BadInput(place, f"has more than one column {wanted!r}; rename one")
    raise BadInput(place, f"has no column {wanted!r}", "one of " + listed(headers))


def number_column_of(headers: Sequence[str], place: str, wanted: str | None) -> int:
    """The column that has the telephone numbers.

    Args:
        headers: of the file.
        place: the file, for errors.
        wanted: its header; None: it is recognised.

    Raises:
        BadInput: there is none, or more than one may be it.
    """
    if wanted is not None:
        return column_of(headers, wanted, place)
    for words in (_NUMBER, _PERHAPS_NUMBER):
        found = [i for i, header in enumerate(headers) if plain(header) in words]
        if len(found) == 1:
            return found[0]
        if found:
            columns = listed([headers[i] for i in found])
            raise BadInput(
                place, f"has the telephone number in any of {columns}; say with --number-column in which"
            )
    raise BadInput(
        place,
        f"has no column that is known to hold telephone numbers; its first line has {listed(headers)}. "
        "Say with --number-column which it is; if that line has a number already, put headers above it",
    )


def listed(headers: Sequence[str]) -> str:
    """Headers for a message, shortened."""
    shown = ", ".join(repr(header.strip()[:40]) for header in headers[:20])
    return shown + (f" and {len(headers) - 20} more" if len(headers) > 20 else "")
