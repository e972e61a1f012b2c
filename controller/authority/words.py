"""The report's language: its texts, and how it writes numbers, dates and durations. PURE."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from controller.authority.words_en import ENGLISH
from controller.authority.words_it import ITALIAN


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """One language.

    Attributes:
        language: ISO 639 code.
        texts: by key; the same keys in every language.
        decimal_sign: between units and tenths.
        thousands_sign: between groups of three digits.
        date_format: as of strftime.
        short_date_format: the same without the year.
        delimiter: between the columns of a CSV file, as spreadsheets of the country expect it.
    """

    language: str
    texts: Mapping[str, str]
    decimal_sign: str
    thousands_sign: str
    date_format: str
    short_date_format: str
    delimiter: str

    def __call__(self, key: str, **values: object) -> str:
        """A text, with values put in."""
        return self.texts[key].format(**values)

    def count(self, value: int) -> str:
        """A whole number."""
        return f"{value:,}".replace(",", self.thousands_sign)

    def decimal(self, value: float, digits: int = 2) -> str:
        """A number with so many digits after the sign."""
        return f"{value:.{digits}f}".replace(".", self.decimal_sign)

    def trimmed(self, value: float) -> str:
        """A number with as many digits as it needs, three at most."""
        return f"{value:.3f}".rstrip("0").rstrip(".").replace(".", self.decimal_sign)

    def per_100(self, value: float | None) -> str:
        """A ratio; a dash if nothing was counted, the sign of infinity if there was nothing to divide by."""
        if value is None:
            return "–"
        return "∞" if math.isinf(value) else self.decimal(value)

    def seconds(self, value: float | None) -> str:
        """A duration, to the millisecond."""
        return "–" if value is None else f"{self.decimal(value, 3)} s"

    def days(self, value: dt.timedelta | None) -> str:
        """A long duration; cut off, never rounded up."""
        if value is None:
            return "–"
        sign, value = ("-", -value) if value < dt.timedelta(0) else ("", value)
        hours, rest = divmod(value.seconds, 3600)
        text = f"{value.days} {self('unit.days')} {hours:02d}:{rest // 60:02d}:{rest % 60:02d}"
        return sign + text

    def date(self, day: dt.date) -> str:
        """A day."""
        return day.strftime(self.date_format)

    def short_date(self, day: dt.date) -> str:
        """A day without its year."""
        return day.strftime(self.short_date_format)

    def moment(self, at: dt.datetime, zone: ZoneInfo) -> str:
        """An instant by the zone's clock, to the second, with the difference to UTC."""
        local = at.astimezone(zone)
        return f"{self.date(local.date())} {local:%H:%M:%S} (UTC{local:%z})"


LANGUAGES: Final[Mapping[str, Words]] = {
    "it": Words(
        language="it",
        texts=ITALIAN,
        decimal_sign=",",
        thousands_sign=".",
        date_format="%d/%m/%Y",
        short_date_format="%d/%m",
        delimiter=";",
    ),
    "en": Words(
        language="en",
        texts=ENGLISH,
        decimal_sign=".",
        thousands_sign=",",
        date_format="%Y-%m-%d",
        short_date_format="%m-%d",
        delimiter=",",
    ),
}
"""By code; the first is the default."""
