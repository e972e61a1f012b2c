"""The rows of a spreadsheet's sheet, one after the other, as records like those of a CSV file."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

from controller.engine.delimited import MAX_RECORD, Record
from controller.engine.shared_strings import Strings
from controller.engine.spreadsheet import Package, Sheet
from controller.engine.spreadsheet_xml import local, new_parser, readable, steps, unescaped

MAX_COLUMNS = 1024
"""Columns of a sheet at most; a row with something beyond is rejected."""
_LAST_ROW = 1 << 20  # of the format
_EXACT = Decimal(10) ** 15
"""Spreadsheets keep 15 digits of a number."""
_END = object()
_TOO_LONG = f"longer than {MAX_RECORD} characters; only its start is shown"
_NOT_CALCULATED = "has a formula without its result; open the file in a spreadsheet program and save it"


class SheetRows:
    """The rows of one sheet. Memory does not grow with them."""

    def __init__(self, package: Package, sheet: Sheet) -> None:
        """Open it; the sheet is unpacked once to see that it is whole.

        Raises:
            BadInput: it is not.
        """
        self.sheet = sheet
        self._package = package
        package.verify(sheet.part)
        self._strings = package.strings()
        self._stream = package.open(sheet.part)
        self.size = package.size(sheet.part)

    def position(self) -> int:
        """How many of the sheet's ``size`` bytes are read."""
        return self._stream.read_so_far

    def close(self) -> None:
        """Close it."""
        self._stream.close()
        self._strings.close()
        self._package.close()

    def __iter__(self) -> Iterator[Record]:
        """The rows that have cells, in order.

        Raises:
            BadInput: the sheet's XML is damaged; the rows before were handed out.
        """
        parser = new_parser()
        rows = _Rows(_Cells(self._package, self._strings))
        parser.StartElementHandler, parser.EndElementHandler = rows.start, rows.end
        parser.CharacterDataHandler = rows.text
        parsing = steps(parser, self._stream)
        going = True
        while going:
            with readable(self._package.place):
                going = next(parsing, _END) is not _END
            while rows.ready:
                yield rows.ready.popleft()


class _Rows:
    """What the parser calls: cells into fields, fields into records."""

    def __init__(self, cells: _Cells) -> None:
        self.ready: deque[Record] = deque()
        self._cells = cells
        self._columns: dict[str, int] = {}
        self._line = 0
        self._begin_row({})
        self._line = 0
        self._begin_cell({})
        self._column = -1

    def _begin_row(self, attributes: dict[str, str]) -> None:
        said = attributes.get("r", "")
        number = int(said) if said.isdecimal() and len(said) <= 7 else 0
        # Rows go down, or a line would stand for two of them; a file that says otherwise is counted by us.
        self._line = number if self._line < number <= _LAST_ROW else self._line + 1
        self._fields: list[str] = []
        self._beyond: list[str] = []
        self._length = 0
        self._problem = ""
        self._column = -1

    def _begin_cell(self, attributes: dict[str, str]) -> None:
        letters = attributes.get("r", "").rstrip("0123456789")
        self._column = self._column_of(letters) if letters else self._column + 1
        self._type = attributes.get("t", "n")
        self._style = attributes.get("s", "")
        self._pieces: list[str] = []
        self._taking = self._silent = self._formula = False

    def _column_of(self, letters: str) -> int:
        found = self._columns.get(letters)
        if found is None:
            found = 0
            for letter in letters[:4]:
                found = found * 26 + (ord(letter) & 31)
            found -= 1
            if len(self._columns) < MAX_COLUMNS:
                self._columns[letters] = found
        return found

    def start(self, name: str, attributes: dict[str, str]) -> None:
        match local(name):
            case "c":
                self._begin_cell(attributes)
            case "v":
                self._taking = True
            case "t":
                self._taking = not self._silent and self._type == "inlineStr"
            case "f":
                self._formula = True
            case "rPh":
                self._silent = True
            case "row":
                self._begin_row(attributes)

    def end(self, name: str) -> None:
        match local(name):
            case "c":
                self._end_cell()
            case "v" | "t":
                self._taking = False
            case "rPh":
                self._silent = False
            case "row":
                self._end_row()

    def text(self, data: str) -> None:
        if self._taking and self._length <= MAX_RECORD:
            self._length += len(data)
            self._pieces.append(data)

    def _end_cell(self) -> None:
        raw = "".join(self._pieces)
        if not raw:
            if self._formula and self._type == "n":  # a result that is an empty text says that it is one
                self._problem = _NOT_CALCULATED
            return
        text = self._cells.text(raw, self._type, self._style)
        self._length += max(0, len(text) - len(raw))
        if not 0 <= self._column < MAX_COLUMNS:
            self._problem = f"has something beyond column {MAX_COLUMNS}"
            self._beyond.append(text)
            return
        fields = self._fields
        if self._column >= len(fields):
            fields.extend([""] * (self._column + 1 - len(fields)))
        fields[self._column] = text

    def _end_row(self) -> None:
        fields, problem = self._fields, self._problem
        if self._length > MAX_RECORD:
            problem = _TOO_LONG
        if problem:
            fields = ["; ".join(filter(None, (*fields, *self._beyond)))[:MAX_RECORD]]
        if problem or fields:
            self.ready.append(Record(self._line, self._line, fields, problem))


class _Cells:
    """The text of a cell, as a person would write it."""

    def __init__(self, package: Package, strings: Strings) -> None:
        from openpyxl.styles.numbers import is_date_format, is_timedelta_format
        from openpyxl.utils.datetime import MAC_EPOCH, WINDOWS_EPOCH

        self._strings = strings
        self._epoch = MAC_EPOCH if package.since_1904 else WINDOWS_EPOCH
        self._dates = {
            str(style)
            for style, code in enumerate(package.formats)
            if is_date_format(code) and not is_timedelta_format(code)
        }

    def text(self, raw: str, kind: str, style: str) -> str:
        """What a cell shows.

        Args:
            raw: as it stands in the file.
            kind: its type there.
            style: index of its style.

        Raises:
            ValueError: it names a shared string that there is not.
        """
        match kind:
            case "s":
                return self._strings[int(raw) if raw.strip().isdecimal() and len(raw) < 10 else -1]
            case "b":
                return "true" if raw.strip() == "1" else "false"
            case "n":
                return self._number(raw.strip(), style)
            case _:
                return unescaped(raw)

    def _number(self, raw: str, style: str) -> str:
        if style in self._dates and (found := self._date(raw)) is not None:
            return _written(found)
        if raw.isdecimal() and raw.isascii():
            return raw
        try:
            exact = Decimal(raw)
            if not exact.is_finite():
                return raw
            if abs(exact) < _EXACT and exact == exact.to_integral_value():
                return str(int(exact))  # 3.93471234567E11 is a telephone number
            return repr(float(raw))
        except (InvalidOperation, ValueError):
            return raw

    def _date(self, raw: str) -> Any:
        from openpyxl.utils.datetime import from_excel

        try:
            return from_excel(float(raw), self._epoch)
        except (ValueError, OverflowError):
            return None


def _written(found: Any) -> str:
    if isinstance(found, datetime):
        midnight = (found.hour, found.minute, found.second) == (0, 0, 0)
        return found.date().isoformat() if midnight else found.isoformat(timespec="seconds")
    if isinstance(found, time):
        return found.isoformat(timespec="minutes")
    assert isinstance(found, date)
    return found.isoformat()
