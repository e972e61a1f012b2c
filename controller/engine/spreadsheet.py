"""Spreadsheets as packages: XLSX files (ECMA-376), their sheets, shared strings and formats.

Read by our own few lines, and not as a whole: a library that holds the shared strings of a million rows needs
hundreds of megabytes, and believes what a file says of itself (ADR 0011). Here every part is unpacked up to a
bound, document type declarations (which make entities, which make bombs) are refused, and strings lie in a
temporary file.
"""

from __future__ import annotations

import os
import posixpath
import struct
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from controller.engine.shared_strings import Strings, strings_parser
from controller.engine.spreadsheet_xml import Bounded, Tag, local, new_parser, readable, steps
from controller.errors import BadInput

MAX_UNPACKED = 4 << 30
"""Bytes of a sheet, or of the shared strings, at most: ten times what a full sheet of contacts needs."""
_MAX_PART = 16 << 20
"""Bytes of any other part at most."""
_MAX_DIRECTORY = 1 << 20
"""Bytes of the archive's directory at most: zipfile reads it as a whole."""

_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_OLE = b"\xd0\xcf\x11\xe0"
_END = b"PK\x05\x06"
_END_SIZE = 22

_SAVE = "save it as .xlsx or as CSV"


def is_spreadsheet(path: Path) -> bool:
    """Whether the file is to be read as a spreadsheet, whatever its name says.

    Raises:
        BadInput: it is one of a kind that is not read.
        OSError: it cannot be read.
    """
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        start = stream.read(4)
    if start == _OLE:
        raise BadInput(str(path), f"is an Excel file of the old kind, or protected by a password; {_SAVE}")
    return start in _ZIP


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet of a workbook.

    Attributes:
        part: its name in the archive.
    """

    name: str
    part: str
    hidden: bool = False


class Package:
    """An XLSX file, opened; see ``sheet_rows.SheetRows`` for its rows."""

    def __init__(self, path: Path) -> None:
        """Open it and read everything but strings and rows.

        Raises:
            BadInput: it is no XLSX file.
            OSError: it cannot be read.
        """
        self.place = str(path)
        with readable(self.place):
            _check_directory(path)
            self._archive = zipfile.ZipFile(path)
        try:
            with readable(self.place):
                self._read_structure()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close it."""
        self._archive.close()

    def _read_structure(self) -> None:
        names = set(self._archive.namelist())
        roots = self._targets("_rels/.rels", "") if "_rels/.rels" in names else {}
        book = next((part for kind, part in roots.values() if kind.endswith("/officeDocument")), "")
        book = book or "xl/workbook.xml"
        if book not in names or not book.endswith(".xml"):
            raise ValueError(f"it has no workbook of the kind .xlsx; {_SAVE}")
        folder, name = posixpath.split(book)
        targets = self._targets(f"{folder}/_rels/{name}.rels", folder)
        parts = {kind.rpartition("/")[2]: part for kind, part in targets.values()}
        self.strings_part = part if (part := parts.get("sharedStrings", "")) in names else ""
        self.sheets: list[Sheet] = []
        self.since_1904 = False
        for tag in self.outline(book):
            if tag.name == "workbookPr":
                self.since_1904 = tag.attributes.get("date1904") in ("1", "true")
            elif tag.name == "sheet":
                wanted = next((v for k, v in tag.attributes.items() if local(k) == "id" and ":" in k), "")
                kind, part = targets.get(wanted, ("", ""))
                if kind.endswith("/worksheet") and part in names:
                    hidden = tag.attributes.get("state", "visible") != "visible"
                    self.sheets.append(Sheet(tag.attributes.get("name", ""), part, hidden))
        if not self.sheets:
            raise ValueError("it has no sheet with cells")
        styles = parts.get("styles", "")
        self.formats = _formats(self.outline(styles)) if styles in names else []

    def _targets(self, part: str, folder: str) -> dict[str, tuple[str, str]]:
        """Kind and part of what another part refers to, by id."""
        found = {}
        for tag in self.outline(part):
            if tag.name == "Relationship" and tag.attributes.get("TargetMode") != "External":
                target = tag.attributes.get("Target", "")
                whole = target[1:] if target.startswith("/") else posixpath.join(folder, target)
                kind = tag.attributes.get("Type", "")
                found[tag.attributes.get("Id", "")] = (kind, posixpath.normpath(whole))
        return found

    def outline(self, part: str) -> list[Tag]:
        """The elements of a small part, in order, without what stands between their tags."""
        tags: list[Tag] = []
        open_: list[str] = [""]

        def start(name: str, attributes: dict[str, str]) -> None:
            tags.append(Tag(open_[-1], local(name), attributes))
            open_.append(local(name))

        parser = new_parser()
        parser.StartElementHandler = start
        parser.EndElementHandler = lambda _: open_.pop()
        stream = self.open(part, _MAX_PART)
        try:
            for _ in steps(parser, stream):
                pass
        finally:
            stream.close()
        return tags

    def open(self, part: str, bound: int = MAX_UNPACKED) -> Bounded:
        """A part, unpacked as it is read."""
        return Bounded(self._archive.open(part), bound)

    def size(self, part: str) -> int:
        """How large a part says that it is, unpacked."""
        return self._archive.getinfo(part).file_size

    def verify(self, part: str) -> None:
        """Unpack all of a part once: what is damaged, or too large, is refused before anything is stored.

        Raises:
            BadInput: it is one of them.
        """
        with readable(self.place):
            stream = self.open(part)
            try:
                while stream.read(1 << 20):
                    pass
            finally:
                stream.close()

    def sheet(self, wanted: str | None) -> Sheet:
        """A sheet by its name; the first that is not hidden if no name is given.

        Raises:
            BadInput: there is none of this name.
        """
        if wanted is None:
            return next((sheet for sheet in self.sheets if not sheet.hidden), self.sheets[0])
        for form in (str.strip, str.casefold):
            for sheet in self.sheets:
                if form(sheet.name) == form(wanted):
                    return sheet
        names = ", ".join(repr(sheet.name) for sheet in self.sheets[:20])
        raise BadInput(self.place, f"has no sheet {wanted!r}", f"one of {names}")

    def strings(self) -> Strings:
        """The strings that cells share.

        Raises:
            BadInput: they cannot be read.
        """
        found = Strings()
        if not self.strings_part:
            return found
        try:
            with readable(self.place):
                stream = self.open(self.strings_part)
                try:
                    for _ in steps(strings_parser(found.add), stream):
                        pass
                finally:
                    stream.close()
            found.done()
        except BaseException:
            found.close()
            raise
        return found


def _formats(tags: Sequence[Tag]) -> list[str]:
    """The number format of each style that cells name."""
    from openpyxl.styles.numbers import BUILTIN_FORMATS

    codes: dict[str, str] = {str(number): code for number, code in BUILTIN_FORMATS.items()}
    for tag in tags:
        if tag.name == "numFmt":
            codes[tag.attributes.get("numFmtId", "")] = tag.attributes.get("formatCode", "")
    return [
        codes.get(tag.attributes.get("numFmtId", ""), "")
        for tag in tags
        if tag.name == "xf" and tag.parent == "cellXfs"
    ]


def _check_directory(path: Path) -> None:
    """Refuse an archive whose directory alone would fill the memory.

    Raises:
        ValueError: it is one, or no archive.
    """
    with path.open("rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(max(0, size - _END_SIZE - 0xFFFF))
        tail = stream.read()
    at = tail.rfind(_END)
    if at < 0 or len(tail) < at + _END_SIZE:
        raise ValueError("it breaks off")
    directory = struct.unpack_from("<L", tail, at + 12)[0]
    if directory > _MAX_DIRECTORY:
        raise ValueError(f"its directory is larger than {_MAX_DIRECTORY >> 10} KiB")
