"""Telephone numbers as people type and read them."""

from __future__ import annotations

from controller.domain.ids import E164, masked
from controller.errors import BadInput


def parsed(text: str, region: str) -> E164:
    """The number in E.164.

    Args:
        text: in international form (+39..., 0039...) or in the national form of ``region``.
        region: two letters, such as IT.

    Raises:
        BadInput: nobody can have this number.
    """
    # Imported here: its tables cost a tenth of a second that --help need not pay.
    import phonenumbers

    allowed = f"+39 02 1234567 or, in {region}, its national form"
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException as error:
        raise BadInput("NUMBER", f"{text!r} is no telephone number: {error}", allowed) from error
    if not phonenumbers.is_possible_number(number):
        raise BadInput("NUMBER", f"{text!r} has too few or too many digits", allowed)
    return E164(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def shown(number: E164, *, full: bool) -> str:
    """The number for a list: masked unless ``full``."""
    return number if full else masked(number)
