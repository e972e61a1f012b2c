"""The ARI wire format, both ways and for both transports. PURE: no I/O, no clock.

A request is data: `requests.py` builds it, a transport carries it, `require_success` judges the answer. With
a body, all parameters travel in it; without, in the query. Asterisk takes one place or the other, and over
the WebSocket insists on it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeAlias
from urllib.parse import quote, urlencode

from controller.errors import AsteriskRefused, ProtocolError

Json: TypeAlias = Mapping[str, Any]
Param: TypeAlias = str | int


class AriProtocolError(ProtocolError):
    """Asterisk sent an answer ARI does not allow. Check that the URL is Asterisk's and its version 22.10+."""


class Repeat(Enum):
    """Whether a request may be sent again when its connection broke with the outcome unknown."""

    NEVER = "never"
    SAFE = "safe"
    """Done twice is the same as done once."""
    IF_CONFLICT_MEANS_DONE = "conflict means done"
    """It names an id of our choosing; if the first one was carried out, the second is refused with 409."""


@dataclass(frozen=True, slots=True)
class Request:
    """One ARI request.

    Attributes:
        method: HTTP verb.
        path: below /ari, with leading slash, segments already quoted (`path_of`).
        query: parameters, where there is no body.
        body: JSON object or None.
        repeat: whether it may be sent twice.
        nonblocking: True where Asterisk answers without waiting for a channel's thread. Only these may go
            over the WebSocket, which Asterisk serves one request at a time (ari_websockets.c:856): one that
            waits for the end of a playback (command.c:86-99) would hold up every other call's hang-up.
    """

    method: str
    path: str
    query: Mapping[str, Param] = field(default_factory=dict)
    body: Json | None = None
    repeat: Repeat = Repeat.NEVER
    nonblocking: bool = False

    def __str__(self) -> str:
        """Return it in short, without parameters: these may hold a telephone number."""
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Response:
    """One ARI answer.

    Attributes:
        status: HTTP status.
        body: as received, "" or b"" where there is none.
        repeated: True if the request was sent twice, so that a 409 or 404 may be the first one's work.
    """

    status: int
    body: str | bytes = ""
    repeated: bool = False

    @property
    def ok(self) -> bool:
        """The request was carried out."""
        return 200 <= self.status < 300

    def json(self) -> Any:
        """Decode the body.

        Raises:
            AriProtocolError: it is no JSON.
        """
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise AriProtocolError(f"Asterisk's answer is no JSON: {self.body[:80]!r}") from error

    def json_object(self) -> Json:
        """Decode a body that must be an object.

        Raises:
            AriProtocolError: it is anything else.
        """
        value = self.json()
        if not isinstance(value, dict):
            raise AriProtocolError(f"Asterisk's answer should be an object, not {type(value).__name__}")
        return value

    def json_objects(self) -> list[Json]:
        """Decode a body that must be a list of objects.

        Raises:
            AriProtocolError: it is anything else.
        """
        value = self.json()
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise AriProtocolError("Asterisk's answer should be a list of objects")
        return value


def path_of(*segments: str) -> str:
    """Join path segments, each quoted as a whole: Asterisk decodes them one by one (res_ari.c)."""
    return "/" + "/".join(quote(segment, safe="") for segment in segments)


def encode_target(request: Request) -> str:
    """Return path and query for an HTTP request line, below /ari."""
    # quote_via=quote: Asterisk must read a blank from %20, whatever it makes of "+".
    return f"{request.path}?{urlencode(request.query, quote_via=quote)}" if request.query else request.path


def encode_body(body: Json) -> str:
    """Return a JSON body, compact."""
    return json.dumps(body, separators=(",", ":"))


def encode_frame(request: Request, request_id: str) -> str:
    """Return the RESTRequest frame that carries `request` over the event WebSocket."""
    frame: dict[str, Any] = {
        "type": "RESTRequest",
        "request_id": request_id,
        "method": request.method,
        "uri": request.path[1:],
    }
    if request.query:
        frame["query_strings"] = [{"name": n, "value": str(v)} for n, v in request.query.items()]
    if request.body is not None:
        # A string inside the frame, not an object: ari_websocket_requests.c wants it so.
        frame["content_type"] = "application/json"
        frame["message_body"] = encode_body(request.body)
    return encode_body(frame)


def decode_frame(frame: Json) -> tuple[str, Response]:
    """Return request id and answer of a RESTResponse frame.

    The id is "" where Asterisk could not read our request: such an answer belongs to nobody.

    Raises:
        AriProtocolError: the frame has no usable status or id.
    """
    status, request_id, body = (
        frame.get("status_code"),
        frame.get("request_id", ""),
        frame.get("message_body", ""),
    )
    if type(status) is not int or not isinstance(request_id, str) or not isinstance(body, str):
        raise AriProtocolError(f"RESTResponse without usable status, id or body: {frame!r:.200}")
    return request_id, Response(status, body)


def require_success(request: Request, response: Response) -> Response:
    """Return `response` if the request was carried out.

    Raises:
        AsteriskRefused: it was not; Asterisk's words are kept.
    """
    if response.ok:
        return response
    raise AsteriskRefused(response.status, _reason(response), str(request))


def _reason(response: Response) -> str:
    """Return the words in an error answer: {"message": ..} or {"error": ..}, or the bare text."""
    try:
        words = json.loads(response.body)
    except (ValueError, RecursionError):
        words = response.body
    if isinstance(words, dict):
        words = words.get("message") or words.get("error") or ""
    if isinstance(words, bytes):
        words = words.decode(errors="replace")
    return str(words)[:200]
