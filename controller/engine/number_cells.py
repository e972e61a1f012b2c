"""Telephone numbers out of the cells of spreadsheets. Pure."""

from __future__ import annotations

import re

import phonenumbers
from phonenumbers import PhoneNumberType, ValidationResult, shortnumberinfo

from controller.domain.ids import E164
from controller.errors import BadInput

_INVISIBLE = "\ufeff\u200b\u200e\u200f\u202a\u202c\u00a0 \t\r\n"
_DIALABLE = re.compile(r"[+\d\s()./\-\u2010-\u2015]+")
_SCIENTIFIC = re.compile(r"\d+([.,]\d+)?E\+?\d+", re.IGNORECASE)
_AS_FRACTION = re.compile(r"\+?\d{6,15}\.0")
_WHY_NONE = {
    phonenumbers.NumberParseException.INVALID_COUNTRY_CODE: "no country has this country code",
    phonenumbers.NumberParseException.TOO_SHORT_NSN: "too short for a telephone number",
    phonenumbers.NumberParseException.TOO_LONG: "too long for a telephone number",
}
_WHY_NOT = {
    ValidationResult.INVALID_COUNTRY_CODE: "no country has this country code",
    ValidationResult.TOO_SHORT: "too short for a telephone number",
    ValidationResult.TOO_LONG: "too long for a telephone number",
    ValidationResult.INVALID_LENGTH: "no telephone number has this length",
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "the area code is missing",
}


def callable_number(cell: str, region: str) -> E164:
    """The number in a cell, if it is one to be called.

    Args:
        cell: as written; in national form it is a number of ``region``.
        region: two capital letters.

    Raises:
        ValueError: it cannot be called; the text says why.
    """
    return _callable(_parsed(cell, region))


def possible_number(cell: str, region: str) -> E164:
    """The number in a cell, if it has the length of one; as ``callable_number``, but less choosy.

    What is not to be called must be listable whatever it is: also a premium-rate number, and one of a range
    that we do not know of yet.

    Raises:
        ValueError: nobody can have this number; the text says why.
    """
    number = _parsed(cell, region)
    reason = phonenumbers.is_possible_number_with_reason(number)
    if reason != ValidationResult.IS_POSSIBLE and phonenumbers.number_type(number) == PhoneNumberType.UNKNOWN:
        raise ValueError(_WHY_NOT.get(reason, "no telephone number"))
    return _written(number)


def _parsed(cell: str, region: str) -> phonenumbers.PhoneNumber:
    text = cell.strip(_INVISIBLE)
    if text.startswith('="') and text.endswith('"'):  # lest spreadsheets take it for a quantity
        text = text[2:-1]
    text = text.removeprefix("'").removeprefix("tel:").strip(_INVISIBLE)
    if not text:
        raise ValueError("no telephone number")
    if _SCIENTIFIC.fullmatch(text):
        text = _unrounded(text)
    if _AS_FRACTION.fullmatch(text):
        text = text[:-2]
    if not _DIALABLE.fullmatch(text):
        raise ValueError("letters or signs that are not part of a telephone number")
    try:
        return phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException as error:
        raise ValueError(_WHY_NONE.get(error.error_type, "no telephone number")) from None


def _unrounded(text: str) -> str:
    """The digits of a number as 3.93471234567E11, if all of them are there.

    Raises:
        ValueError: some are not; nobody knows whether they were zeros.
    """
    mantissa, _, exponent = text.upper().replace(",", ".").partition("E")
    whole, _, fraction = mantissa.partition(".")
    if len(whole) == 1 and len(fraction) == int(exponent.removeprefix("+")[:3]):
        return whole + fraction
    raise ValueError("a spreadsheet has rounded the number; make the column a Text column and export anew")


def region_of_code(code: str) -> str:
    """The country, as two letters, whose numbers have this country code.

    Raises:
        ValueError: there is none.
    """
    digits = code.strip(_INVISIBLE).removeprefix("+").removesuffix(".0").lstrip("0")
    if not digits.isdecimal() or len(digits) > 3:
        raise ValueError(f"{code.strip()[:20]!r} is no country code")
    region = phonenumbers.region_code_for_country_code(int(digits))
    if region not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError(f"no country has the country code {digits}")
    return region


def _callable(number: phonenumbers.PhoneNumber) -> E164:
    kind = phonenumbers.number_type(number)
    if kind == PhoneNumberType.UNKNOWN:
        where = phonenumbers.region_code_for_country_code(number.country_code or 0)
        if shortnumberinfo.is_emergency_number(phonenumbers.national_significant_number(number), where):
            raise ValueError("an emergency number")
        reason = phonenumbers.is_possible_number_with_reason(number)
        raise ValueError(_WHY_NOT.get(reason, "the number is not assigned to anything in its country"))
    if kind == PhoneNumberType.PREMIUM_RATE:
        raise ValueError("a premium-rate number")
    return _written(number)


def _written(number: phonenumbers.PhoneNumber) -> E164:
    text = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if not 8 <= len(text) <= 16:
        raise ValueError("not 7 to 15 digits long")
    return E164(text)


def checked_country(region: str) -> str:
    """A country whose numbers are known.

    Raises:
        BadInput: there is none of that name.
    """
    if region not in phonenumbers.SUPPORTED_REGIONS:
        raise BadInput("region", f"{region!r} is no country", "two capital letters, such as IT")
    return region
