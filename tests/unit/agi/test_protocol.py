"""The codec alone: what Asterisk 22.10 sends, and what nobody should send."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.agi import protocol
from controller.agi.protocol import AgiCommandError, AgiHangup, AgiProtocolError, AgiReply
from tests.unit.agi.words import split_command

HEADER = (
    "agi_network: yes\n"
    "agi_network_script: odd%2Fpath/?a=+39&b=x%20y&c\n"
    "agi_request: agi://127.0.0.1:4573/odd\n"
    "agi_channel: Local/s@quiet-00000000;1\n"
    "agi_callerid: 0612345678\n"
    "agi_calleridname: Bücher: x\n"
    "agi_accountcode: \n"
    "agi_arg_1: one\n"
    "agi_arg_2: \n"
    "agi_arg_3: three\n"
    "\n"
).encode()


def test_a_header_as_asterisk_sends_it() -> None:
    request = protocol.parse_request(HEADER)

    assert request.path == "odd/path"
    assert request.query == {"a": "+39", "b": "x y", "c": ""}
    assert request.arguments == ("one", "", "three")
    assert [request.argument(i) for i in (0, 1, 2, 3)] == ["one", "", "three", ""]
    assert request.channel == "Local/s@quiet-00000000;1"
    assert request.caller_id == "0612345678"
    assert request.fields["calleridname"] == "Bücher: x"


def test_an_address_without_path_and_an_unknown_caller() -> None:
    request = protocol.parse_request(b"agi_request: agi://127.0.0.1\nagi_callerid: unknown\n\n")

    assert (request.path, request.query, request.arguments) == ("", {}, ())
    assert request.caller_id == ""


def test_a_name_in_an_old_encoding_is_no_reason_to_refuse_the_call() -> None:
    request = protocol.parse_request(b"agi_request: x\nagi_calleridname: B\xfccher\n\n")

    assert request.fields["calleridname"] == "B\N{REPLACEMENT CHARACTER}cher"


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        (b"", "line 1"),
        (b"\n\n", "line 1"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "line 1"),
        (b"agi_request: x\nno colon\n\n", "line 2"),
        (b"agi_request: x\nother_thing: 1\n\n", "line 2"),
        (b"agi_channel: x\n\n", "no agi_request"),
        (b"agi_request: x\nagi_arg_1: a\nagi_arg_1: b\n\n", "agi_arg_1 twice"),
        (b"agi_request: x\nagi_arg_2: a\n\n", "not numbered"),
        (b"agi_request: " + b"x" * protocol.MAX_BLOCK, "bytes"),
        (b"agi_request: x\n" + b"".join(b"agi_a%d: \n" % i for i in range(200)), "lines"),
    ],
)
def test_what_is_no_header_is_refused(header: bytes, problem: str) -> None:
    with pytest.raises(AgiProtocolError, match=problem):
        protocol.parse_request(header)


def test_no_value_of_a_header_gets_into_an_error() -> None:
    with pytest.raises(AgiProtocolError) as caught:
        protocol.parse_request(b"agi_request: x\nagi_arg_1: +393471234567\n+393471234567\n\n")

    assert "347" not in str(caught.value)


@given(st.binary(max_size=400))
def test_any_bytes_are_a_request_or_a_protocol_error(data: bytes) -> None:
    with suppress(AgiProtocolError):
        protocol.parse_request(data)


_NAMES = st.sampled_from(["agi_request", "agi_network_script", "agi_arg_1", "agi_arg_999", "agi_x", "x"])


@given(st.lists(st.tuples(_NAMES, st.text(max_size=40)), max_size=8))
def test_any_fields_are_a_request_or_a_protocol_error(fields: list[tuple[str, str]]) -> None:
    block = "".join(f"{name}: {value}\n" for name, value in fields)
    try:
        request = protocol.parse_request(block.encode("utf-8", "surrogatepass"))
    except AgiProtocolError:
        return
    assert request.fields["request"] is not None


# --- Commands ----------------------------------------------------------------------------------------

_CARRIED = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), max_size=60)


@given(st.lists(_CARRIED, max_size=4))
def test_asterisk_reads_the_values_that_were_quoted(values: list[str]) -> None:
    line = protocol.build_command("SET VARIABLE", *values)

    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert split_command(line.decode().removesuffix("\n")) == ["SET", "VARIABLE", *values]


@pytest.mark.parametrize("value", ["a\nHANGUP", "a\rb", "a\0b", "\ud800", "x" * protocol.MAX_COMMAND])
def test_what_a_command_cannot_carry_is_refused(value: str) -> None:
    with pytest.raises(AgiProtocolError):
        protocol.set_variable("CC_X", value)


@pytest.mark.parametrize("name", ["", "SHELL(reboot)", "A B", "1A", 'A"', "A\n", "A" * 81])
def test_only_variables_are_named(name: str) -> None:
    with pytest.raises(AgiProtocolError):
        protocol.set_variable(name, "x")
    with pytest.raises(AgiProtocolError):
        protocol.get_variable(name)


# --- Replies -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("200 result=1", AgiReply(result="1")),
        ("200 result=0", AgiReply(result="0")),
        ("200 result=-1 endpos=0", AgiReply(result="-1", endpos=0)),
        ("200 result=0 endpos=8000", AgiReply(result="0", endpos=8000)),
        ("200 result=1 (speech) endpos=12", AgiReply(result="1", data="speech", endpos=12)),
        ("200 result=12*# (timeout)", AgiReply(result="12*#", data="timeout")),
        ("200 result= (timeout)", AgiReply(result="", data="timeout")),
        ("200 result=1 ()", AgiReply(result="1", data="")),
        ('200 result=1 (q"\\ ,;$[1] é)()', AgiReply(result="1", data='q"\\ ,;$[1] é)(')),
        ("200 result=1 (a) endpos=5)", AgiReply(result="1", data="a) endpos=5")),
    ],
)
def test_an_answer(line: str, reply: AgiReply) -> None:
    assert protocol.parse_reply(line) == reply


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("HANGUP", AgiHangup),
        ("511 Command Not Permitted on a dead channel", AgiHangup),
        ("510 Invalid or unknown command", AgiCommandError),
        ("520-Invalid command syntax.  Proper usage follows:", AgiCommandError),
        ("520 Invalid command syntax.  Proper usage not available.", AgiCommandError),
        ("", AgiProtocolError),
        ("200", AgiProtocolError),
        ("200 ok", AgiProtocolError),
        ("200-result=1", AgiProtocolError),
        ("200 result=1 (first line of a value", AgiProtocolError),
        ("404 result=1", AgiProtocolError),
        ("٢٠٠ result=1", AgiProtocolError),
    ],
)
def test_no_answer(line: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        protocol.parse_reply(line)


def test_the_end_of_usage_may_stand_on_the_last_line_of_the_text() -> None:
    assert protocol.ends_usage("520 End of proper usage.")
    assert protocol.ends_usage("Sets a variable.520 End of proper usage.")
    assert not protocol.ends_usage("Sets a variable.")


@given(st.text(max_size=80) | st.from_regex(r"200 result=.{0,40}") | st.from_regex(r"[1-5]\d\d[ -].{0,20}"))
def test_any_line_is_an_answer_or_one_of_two_errors(line: str) -> None:
    assert not (protocol.wants_more(line) and protocol.is_interim(line))
    with suppress(AgiProtocolError, AgiHangup):
        protocol.parse_reply(line)
