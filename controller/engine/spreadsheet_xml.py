"""XML as hostile files have it: parsed piece by piece, within bounds."""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import IO
from xml.parsers import expat

from controller.errors import BadInput

_MAX_TAG = 1 << 20
_CHUNK = 1 << 16
_NO_XLSX = "is no spreadsheet that can be read"


@dataclass(frozen=True, slots=True)
class Tag:
    """The start of an element."""

    parent: str
    name: str
    attributes: Mapping[str, str]


@lru_cache(256)
def local(name: str) -> str:
    """An element's name without its prefix."""
    return name.rpartition(":")[2]


_ESCAPE = re.compile("_x([0-9A-Fa-f]{4})_")


def unescaped(text: str) -> str:
    """A text as a person sees it: what XML cannot hold, spreadsheets write as ``_x000D_``."""
    return _ESCAPE.sub(_character, text) if "_x" in text else text


def _character(match: re.Match[str]) -> str:
    code = int(match[1], 16)
    return match[0] if 0xD800 <= code < 0xE000 else chr(code)


def refuse_declarations(*_: object) -> None:
    """What a parser calls at a document type declaration; no spreadsheet has one.

    Raises:
        ValueError: always.
    """
    raise ValueError("has a document type declaration")


class Bounded:
    """A stream that is read up to a bound."""

    def __init__(self, stream: IO[bytes], bound: int) -> None:
        self._stream = stream
        self._bound = bound
        self.read_so_far = 0

    def read(self, size: int = _CHUNK) -> bytes:
        """The next bytes; empty at the end.

        Raises:
            ValueError: there are more than the bound.
        """
        data = self._stream.read(size)
        self.read_so_far += len(data)
        if self.read_so_far > self._bound:
            raise ValueError(f"unpacks to more than {self._bound >> 20} MiB")
        return data

    def close(self) -> None:
        """Close it."""
        self._stream.close()


@contextmanager
def readable(place: str) -> Iterator[None]:
    """What goes wrong in here is the file's fault.

    Raises:
        BadInput: something did.
    """
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise BadInput(place, f"{_NO_XLSX}: {error}") from error
    except expat.ExpatError as error:
        raise BadInput(place, f"{_NO_XLSX}: its XML is damaged ({error})") from error
    except (ValueError, KeyError, struct.error) as error:  # UnicodeDecodeError is one of them
        words = error.args[0] if isinstance(error, KeyError) and error.args else error
        raise BadInput(place, f"{_NO_XLSX}: {words}") from error


def new_parser() -> expat.XMLParserType:
    """A parser that takes no document type declarations."""
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = refuse_declarations
    return parser


def steps(parser: expat.XMLParserType, stream: Bounded) -> Iterator[None]:
    """Parse a stream, piece by piece.

    Raises:
        ValueError: it has a tag so long that it is no tag; the parser would hold all of it.
    """
    while data := stream.read():
        parser.Parse(data, False)
        if stream.read_so_far - parser.CurrentByteIndex > _MAX_TAG:
            raise ValueError(f"it has a tag of more than {_MAX_TAG >> 10} KiB")
        yield
    parser.Parse(b"", True)
    yield
