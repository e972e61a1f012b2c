"""The strings that a spreadsheet's cells share: a million of them, without holding them."""

from __future__ import annotations

import os
import tempfile
from array import array
from collections.abc import Callable
from functools import lru_cache
from xml.parsers import expat

from controller.engine.delimited import MAX_RECORD
from controller.engine.spreadsheet_xml import local, new_parser, unescaped


class Strings:
    """The strings that cells share, in a temporary file; 8 bytes of memory each."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="contacts-")  # noqa: SIM115 - closed by close
        self._ends = array("Q", [0])
        self._get = lru_cache(8192)(self._read)

    def add(self, text: str) -> None:
        """Take one more."""
        self._ends.append(self._ends[-1] + self._file.write(text.encode("utf-8", "surrogatepass")))

    def done(self) -> None:
        """No more are taken; from now on they are read."""
        self._file.flush()

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, index: int) -> str:
        if not 0 <= index < len(self):
            raise ValueError(f"names the shared string {index}, there are {len(self)}")
        return self._get(index)

    def _read(self, index: int) -> str:
        start, end = self._ends[index], self._ends[index + 1]
        return os.pread(self._file.fileno(), end - start, start).decode("utf-8", "surrogatepass")

    def close(self) -> None:
        """Close it."""
        self._file.close()


def strings_parser(add: Callable[[str], None]) -> expat.XMLParserType:
    """Hands out the text of each ``si``; how syllables are pronounced (``rPh``) is no part of it."""
    pieces: list[str] = []
    length = 0
    silent = taking = False

    def start(name: str, _: dict[str, str]) -> None:
        nonlocal silent, taking, length
        match local(name):
            case "si":
                pieces.clear()
                length = 0
            case "rPh":
                silent = True
            case "t":
                taking = not silent

    def end(name: str) -> None:
        nonlocal silent, taking
        match local(name):
            case "si":
                add(unescaped("".join(pieces)))
            case "rPh":
                silent = False
            case "t":
                taking = False

    def text(data: str) -> None:
        nonlocal length
        if taking:
            length += len(data)
            if length > MAX_RECORD:
                raise ValueError(f"a cell is longer than {MAX_RECORD} characters")
            pieces.append(data)

    parser = new_parser()
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = text
    return parser
