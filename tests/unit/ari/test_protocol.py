from __future__ import annotations

import json
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.ari import AriConfig, AriProtocolError, requests
from controller.ari.protocol import (
    Repeat,
    Request,
    Response,
    decode_frame,
    encode_frame,
    encode_target,
    path_of,
    require_success,
)
from controller.errors import AsteriskRefused, AsteriskUnreachable, ConfigError, ControllerError

words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
scalars = st.none() | st.booleans() | st.integers() | words
bodies = st.none() | st.dictionaries(
    words, st.recursive(scalars, lambda s: st.lists(s) | st.dictionaries(words, s))
)

quick = settings(max_examples=40, deadline=None)  # no deadline: the machine may be busy


@quick
@given(words, st.dictionaries(words, words | st.integers()))
def test_http_target_says_what_the_request_says(segment: str, query: dict[str, str | int]) -> None:
    target = urlsplit(encode_target(Request("GET", path_of("channels", segment, "moh"), query)))
    assert [unquote(part) for part in target.path.split("/")] == ["", "channels", segment, "moh"]
    assert parse_qsl(target.query, keep_blank_values=True) == [(n, str(v)) for n, v in query.items()]


@quick
@given(words, st.dictionaries(words, words | st.integers()), bodies, words)
def test_frame_says_what_the_request_says(
    segment: str, query: dict[str, str | int], body: dict[str, object] | None, request_id: str
) -> None:
    frame = json.loads(encode_frame(Request("POST", path_of("bridges", segment), query, body), request_id))
    assert (frame["type"], frame["method"], frame["request_id"]) == ("RESTRequest", "POST", request_id)
    assert not frame["uri"].startswith("/")
    assert unquote(frame["uri"]) == f"bridges/{segment}"
    assert {p["name"]: p["value"] for p in frame.get("query_strings", [])} == {
        n: str(v) for n, v in query.items()
    }
    assert ("message_body" in frame) == ("content_type" in frame) == (body is not None)
    assert body is None or json.loads(frame["message_body"]) == body


@quick
@given(words, st.integers(100, 599), st.none() | st.text())
def test_answer_frame_is_read_back(request_id: str, status: int, body: str | None) -> None:
    frame = {"type": "RESTResponse", "request_id": request_id, "status_code": status}
    if body is not None:
        frame["message_body"] = body
    assert decode_frame(frame) == (request_id, Response(status, body or ""))


@pytest.mark.parametrize(
    "frame", [{}, {"status_code": "200"}, {"status_code": True}, {"status_code": 200, "request_id": 7}]
)
def test_answer_frame_without_status_or_id_is_a_protocol_error(frame: dict[str, object]) -> None:
    with pytest.raises(AriProtocolError):
        decode_frame(frame)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ('{"message": "Channel not found"}', "Channel not found"),
        (b'{"error": "Allocation failed"}', "Allocation failed"),
        (b"<html>\xff", "<html>\ufffd"),
        ("", ""),
        ("[" * 100_000, "[" * 200),
    ],
)
def test_refusal_keeps_asterisks_words(body: str | bytes, reason: str) -> None:
    request = Request("DELETE", "/channels/c1")
    with pytest.raises(AsteriskRefused) as caught:
        require_success(request, Response(404, body))
    assert (caught.value.reason, caught.value.status, caught.value.request) == (
        reason,
        404,
        "DELETE /channels/c1",
    )
    assert caught.value.not_found
    assert not caught.value.conflict


@pytest.mark.parametrize("body", ["", "{", "[" * 100_000, "[]", "7"])
def test_answer_that_is_no_object_is_a_protocol_error(body: str) -> None:
    with pytest.raises(AriProtocolError):
        Response(200, body).json_object()


@pytest.mark.parametrize("body", ["{}", "[1]", "null"])
def test_answer_that_is_no_list_of_objects_is_a_protocol_error(body: str) -> None:
    with pytest.raises(AriProtocolError):
        Response(200, body).json_objects()


def test_request_in_short_does_not_show_the_number_dialled() -> None:
    assert "3905" not in str(requests.originate(endpoint="PJSIP/39055123@trunk", channel_id="c1"))


def test_only_requests_that_cannot_block_may_use_the_websocket() -> None:
    blocking = [
        requests.answer("c"),
        requests.set_variable("c", "n", "v"),
        requests.add_channel("b", ["c"], None),
        requests.remove_channel("b", ["c"]),
    ]
    assert not any(request.nonblocking for request in blocking)
    assert requests.hangup("c", "normal").nonblocking
    assert requests.originate(endpoint="PJSIP/1").nonblocking


def test_originate_is_repeated_only_with_an_id_of_ours() -> None:
    assert requests.originate(endpoint="PJSIP/1", channel_id="c").repeat is Repeat.IF_CONFLICT_MEANS_DONE
    assert requests.originate(endpoint="PJSIP/1").repeat is Repeat.NEVER


def test_hangup_takes_words_and_q850_causes() -> None:
    assert requests.hangup("c", "busy").query == {"reason": "busy"}
    assert requests.hangup("c", 34).query == {"reason_code": 34}


@pytest.mark.parametrize(
    "wrong",
    [{"url": "localhost:8088"}, {"app": ""}, {"app": "a,b"}, {"request_timeout": 0}, {"max_connections": 0},
     {"event_queue_size": 0}, {"transport": "pigeon"}],
)  # fmt: skip
def test_config_refuses_what_cannot_work_and_names_it(wrong: dict[str, object]) -> None:
    settings = {"url": "http://127.0.0.1:8088/ari", "username": "u", "password": "hush", "app": "ctl"} | wrong
    with pytest.raises(ConfigError) as caught:
        AriConfig(**settings)  # type: ignore[arg-type]
    assert caught.value.place == f"ari.{next(iter(wrong))}"


def test_config_never_shows_the_password() -> None:
    assert "hush" not in repr(AriConfig(url="http://x/ari", username="u", password="hush", app="ctl"))


def test_error_message_defaults_to_the_docstring() -> None:
    assert str(AsteriskUnreachable()).startswith("Asterisk did not answer. Check")
    assert str(ControllerError("told")) == "told"
    assert str(ConfigError("ari.url", "is empty", "an address")) == "ari.url: is empty (allowed: an address)"
