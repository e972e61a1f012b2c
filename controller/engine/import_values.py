"""What else a row says of a contact: e-mail address, tags, date of birth and the like. Pure.

What is not understood is not taken to be empty: a ValueError says why the row is rejected.
"""

from __future__ import annotations

import re
from datetime import datetime

from controller.engine.contact_terms import written_moment
from controller.engine.import_fields import Field
from controller.engine.import_provinces import province_code

_EMAIL = re.compile(
    r"[^\s@\"<>(),;:\\\[\]]{1,64}@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W_](?:[\w-]{0,61}[^\W_])"
)
_EMAIL_LENGTH = 254
_REGION = re.compile(r"[A-Za-z]{2}-\w{1,3}")  # as IT-MI
_TAG_MARKS = re.compile(r"[,;|]")
_TAG_LENGTH, _TAGS = 60, 50
_GENDERS = {
    word: gender
    for gender, words in {
        "M": "m male man maschio uomo",
        "F": "f female woman femmina donna",
        "": "u unknown undefined nd",
    }.items()
    for word in words.split()
}
_NO_DATE = frozenset(("0000-00-00", "00/00/0000", "0"))


def filled(text: str) -> str:
    """A cell, stripped; a dash or a dot stands for an empty one."""
    text = text.strip()
    return text if text[:1].isalnum() or any(letter.isalnum() for letter in text) else ""


def email_of(text: str) -> str:
    """An e-mail address that might be one; empty if there is none.

    Raises:
        ValueError: it cannot be one.
    """
    address = filled(text).removeprefix("mailto:")
    if not address:
        return ""
    before = address.partition("@")[0]
    dots = before.startswith(".") or before.endswith(".") or ".." in before
    if len(address) > _EMAIL_LENGTH or dots or not _EMAIL.fullmatch(address):
        raise ValueError(f"{address[:60]!r} is no e-mail address")
    return address


def tags_of(text: str) -> frozenset[str]:
    """Words between commas, semicolons or bars.

    Raises:
        ValueError: one is too long, or there are too many.
    """
    tags = frozenset(filter(None, (" ".join(tag.split()) for tag in _TAG_MARKS.split(text))))
    if len(tags) > _TAGS:
        raise ValueError(f"has {len(tags)} tags (allowed: {_TAGS})")
    if any(len(tag) > _TAG_LENGTH for tag in tags):
        raise ValueError(f"has a tag longer than {_TAG_LENGTH} characters")
    return tags


def attribute_of(field: Field, text: str, country: str, now: datetime) -> str:
    """A well-known attribute as it is stored: dates in ISO 8601, M or F, all digits of a postal code.

    Args:
        field: which.
        text: the cell.
        country: of the list, as ``IT``.
        now: nobody is born later (aware).

    Raises:
        ValueError: it is not understood.
    """
    value = filled(text)
    match field:
        case Field.BIRTH_DATE:
            return _birth_date(value, now)
        case Field.GENDER:
            return _GENDERS.get(value.casefold().rstrip("."), value)
        case Field.PROVINCE:
            code = province_code(value, country)
            return code.upper() if len(code) <= 3 or _REGION.fullmatch(code) else code
        case Field.POSTAL_CODE if country == "IT" and value.isascii() and value.isdecimal():
            return value.zfill(5)  # 00184 is a number to a spreadsheet
        case _:
            return value


def _birth_date(text: str, now: datetime) -> str:
    if not text or text in _NO_DATE:
        return ""
    try:
        born = written_moment(text).date()
    except ValueError as error:
        raise ValueError(f"the date of birth {error}") from None
    if born > now.date():
        raise ValueError(f"the date of birth {text!r} is still to come")
    return born.isoformat()
