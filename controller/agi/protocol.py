"""The AGI wire format as FastAGI carries it. PURE: no I/O, no clock.

Asterisk connects and sends one block of ``agi_...: value`` lines that ends with an empty line. From then on
each command is one line, and so is each answer, with two exceptions: usage after a syntax error (520) has
several lines, and ``HANGUP`` may come unasked at any time (res_agi.c, run_agi).

No error message here holds a value out of a header: these may be telephone numbers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final
from urllib.parse import unquote

from controller.errors import ControllerError, ProtocolError

MAX_BLOCK: Final = 8192
"""Bytes of a header block, and of a line after it. Asterisk's has some 600, and the dialplan's arguments."""
MAX_HEADER_LINES: Final = 160
"""Asterisk sends 22 lines and at most 127 arguments (res_agi.c, MAX_ARGS)."""
MAX_REPLY_LINES: Final = 64
MAX_COMMAND: Final = 2000
"""Bytes. Asterisk's buffer has 2048 (res_agi.c, AGI_BUF_LEN); the rest would be taken for a new command."""

FAILURE: Final = b"failure\n"
"""Not a command: makes Asterisk end the application with AGISTATUS=FAILURE (res_agi.c, run_agi).

A connection that merely closes is a success to Asterisk.
"""

_NAME: Final = re.compile(r"agi_[a-z0-9_]{1,40}")
_ARGUMENT: Final = re.compile(r"agi_arg_([1-9][0-9]{0,2})")
_STATUS: Final = re.compile(r"([1-5][0-9]{2})([ -])(.*)", re.ASCII)
_RESULT: Final = re.compile(
    r"result=(?P<result>[^\s()]*)(?: \((?P<data>.*)\))?(?: endpos=(?P<endpos>[0-9]{1,18}))?\s*", re.ASCII
)
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,79}")
_END_OF_USAGE: Final = "520 End of proper usage."
_UNFIT: Final = re.compile(r"[\r\n\0]")


class AgiProtocolError(ProtocolError):
    """The AGI peer broke the protocol. Check that it is Asterisk that connects to this port."""


class AgiCommandError(AgiProtocolError):
    """Asterisk refused an AGI command of ours as unknown or malformed. This is a bug; please report it."""


class AgiHangup(ControllerError):  # noqa: N818 - the normal end of many a call, not an error
    """The call is over: its channel hung up, or Asterisk closed the connection."""


def _no_strings() -> Mapping[str, str]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class AgiRequest:
    """What Asterisk tells about the call as it connects.

    Attributes:
        path: the script's name in agi://host/NAME?a=b, percent-decoded, without slashes at its ends.
        query: the named values after the question mark.
        arguments: what follows the address in the dialplan's AGI(address,one,two); empty ones are kept.
        fields: all lines by name without "agi_", as sent.
    """

    path: str
    query: Mapping[str, str] = field(default_factory=_no_strings)
    arguments: Sequence[str] = ()
    fields: Mapping[str, str] = field(default_factory=_no_strings)

    @property
    def channel(self) -> str:
        """The channel's name, such as PJSIP/201-00000007."""
        return self.fields.get("channel", "")

    @property
    def caller_id(self) -> str:
        """The caller's number; empty where Asterisk says "unknown"."""
        number = self.fields.get("callerid", "")
        return "" if number == "unknown" else number

    def argument(self, index: int) -> str:
        """The dialplan's argument at ``index``, counted from 0; empty if it gave none."""
        return self.arguments[index] if index < len(self.arguments) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgiReply:
    """The answer to one command.

    Attributes:
        result: what follows "result="; a number for most commands, keys ("*" and "#" too) for some.
        data: what stands in parentheses; None if nothing does.
        endpos: samples played, where a sound was.
    """

    result: str
    data: str | None = None
    endpos: int | None = None


# --- Header ------------------------------------------------------------------------------------------


def parse_request(header: bytes) -> AgiRequest:
    """Read a header block.

    Args:
        header: all of it; the empty line at its end may be missing.

    Raises:
        AgiProtocolError: it is no header block, or larger than any that Asterisk sends.
    """
    if len(header) > MAX_BLOCK:
        raise AgiProtocolError(f"AGI header of {len(header)} bytes; {MAX_BLOCK} are allowed")
    # A caller's name may be in any old encoding; that is no reason to refuse the call.
    lines = header.decode("utf-8", "replace").rstrip("\n").split("\n")
    if len(lines) > MAX_HEADER_LINES:
        raise AgiProtocolError(f"AGI header of {len(lines)} lines; {MAX_HEADER_LINES} are allowed")
    fields: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        name, colon, value = line.partition(":")
        if not colon or not _NAME.fullmatch(name):
            raise AgiProtocolError(f"line {number} of the AGI header is not of the form agi_name: value")
        if name in fields:
            # Asterisk never repeats one. A line break smuggled into an argument would.
            raise AgiProtocolError(f"the AGI header has {name} twice")
        fields[name] = value.removeprefix(" ")
    if "agi_request" not in fields:
        raise AgiProtocolError("the AGI header has no agi_request")
    path, _, query = fields.get("agi_network_script", "").partition("?")
    return AgiRequest(
        path=unquote(path).strip("/"),
        query=_parse_query(query),
        arguments=_arguments(fields),
        fields=MappingProxyType({name.removeprefix("agi_"): value for name, value in fields.items()}),
    )


def _parse_query(query: str) -> Mapping[str, str]:
    # Not urllib's parse_qs: dialplans do not encode, and there a "+" is the start of a number, not a blank.
    pairs = (part.partition("=") for part in query.split("&") if part)
    return MappingProxyType({unquote(name): unquote(value) for name, _, value in pairs})


def _arguments(fields: Mapping[str, str]) -> tuple[str, ...]:
    numbers = sorted(int(match[1]) for name in fields if (match := _ARGUMENT.fullmatch(name)))
    if numbers != list(range(1, len(numbers) + 1)):
        raise AgiProtocolError("the AGI header's arguments are not numbered from 1 on")
    return tuple(fields[f"agi_arg_{number}"] for number in numbers)


# --- Commands ----------------------------------------------------------------------------------------


def quote(value: str) -> str:
    r"""Write a value as one word of a command.

    >>> print(quote('say "hi"'))
    "say \"hi\""

    Raises:
        AgiProtocolError: it holds a line break or a NUL, which no AGI command can carry.
    """
    if _UNFIT.search(value):
        raise AgiProtocolError("an AGI command cannot carry line breaks or NUL")
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def build_command(words: str, *values: str) -> bytes:
    """Return a command line.

    Args:
        words: the command's own words, such as "SET VARIABLE".
        values: its arguments, quoted here.

    Raises:
        AgiProtocolError: a value cannot be carried, or the line is longer than Asterisk reads.
    """
    try:
        line = " ".join([words, *map(quote, values)]).encode() + b"\n"
    except UnicodeEncodeError:  # Lone surrogates.
        raise AgiProtocolError("an AGI command cannot carry what is not text") from None
    if len(line) > MAX_COMMAND:
        raise AgiProtocolError(f"AGI command of {len(line)} bytes; Asterisk reads {MAX_COMMAND}")
    return line


def set_variable(name: str, value: str) -> bytes:
    """Build the command that sets a channel variable.

    Raises:
        AgiProtocolError: see `build_command`; or the name is not a variable's. Asterisk would take a name
            with parentheses for a dialplan function, such as SHELL(), and write to it.
    """
    return build_command("SET VARIABLE", _variable(name), value)


def get_variable(name: str) -> bytes:
    """Build the command that reads a channel variable.

    Raises:
        AgiProtocolError: the name is not a variable's.
    """
    return build_command("GET VARIABLE", _variable(name))


def _variable(name: str) -> str:
    if not _VARIABLE.fullmatch(name):
        raise AgiProtocolError(f"{name[:80]!r} is no name of a channel variable")
    return name


# --- Replies -----------------------------------------------------------------------------------------


def is_hangup(line: str) -> bool:
    """Whether the line is Asterisk's notice that the channel hung up, not the answer to a command."""
    return line.strip() == "HANGUP"


def is_interim(line: str) -> bool:
    """Whether the line only says that the command is being carried out ("100"); the answer follows."""
    return line.startswith("1") and bool(_STATUS.fullmatch(line))


def wants_more(line: str) -> bool:
    """Whether the line begins an answer of several lines (520-)."""
    return line.startswith("520-")


def ends_usage(line: str) -> bool:
    """Whether the line ends an answer of several lines.

    Asterisk puts no line break of its own after the usage text, so the end may stand on the text's last line.
    """
    return line.endswith(_END_OF_USAGE)


def parse_reply(line: str) -> AgiReply:
    """Read an answer; of one of several lines, the first.

    Raises:
        AgiHangup: the channel is gone (HANGUP, 511).
        AgiCommandError: Asterisk refused the command (510, 520).
        AgiProtocolError: it is no answer. So is a variable's value with a line break in it.
    """
    if is_hangup(line):
        raise AgiHangup
    match = _STATUS.fullmatch(line)
    if match is None:
        raise AgiProtocolError("Asterisk's answer to an AGI command has no status")
    status, text = int(match[1]), match[3]
    if status == 511:
        raise AgiHangup("The call is over: Asterisk takes no such command for a channel that hung up.")
    if status in (510, 520):
        raise AgiCommandError(f"Asterisk refused an AGI command: {status} {text[:100]}")
    result = _RESULT.fullmatch(text)
    if status != 200 or match[2] != " " or result is None:
        raise AgiProtocolError(f"Asterisk's answer to an AGI command cannot be understood (status {status})")
    endpos = result["endpos"]
    return AgiReply(
        result=result["result"], data=result["data"], endpos=None if endpos is None else int(endpos)
    )
