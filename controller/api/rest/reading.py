"""Reading a request: what it accepts, what it sends, checked against the route's models."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cache
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from controller.api.rest.problems import (
    INVALID,
    MEDIA_TYPE,
    NOT_ACCEPTABLE,
    TOO_LARGE,
    UNCONDITIONAL,
    Fault,
    Problem,
    of_validation,
)
from controller.api.rest.routes import Route, Upload

M = TypeVar("M", bound=BaseModel)

_PIECE = 256 * 1024
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,18})", re.ASCII)
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]{0,18})(\.[0-9]{1,18})?([eE][-+]?[0-9]{1,3})?", re.ASCII)
_RANGE = re.compile(r"\s*([\w!#$&^.+*-]+/[\w!#$&^.+*-]+)\s*(?:;(.*))?", re.ASCII)
_ZERO = re.compile(r"\s*q\s*=\s*0(\.0{0,3})?\s*", re.ASCII)
_ETAG = re.compile(r'(W/)?"([\x21\x23-\x7e]*)"')
_ETAGS = re.compile(rf"\s*{_ETAG.pattern}\s*(,\s*{_ETAG.pattern}\s*)*")
_KEY = re.compile(r"[\x21-\x7e]{1,255}")


# --- headers ----------------------------------------------------------------------------------------------


def must_accept(request: web.Request, route: Route) -> None:
    """Refuse who does not accept what the route answers with.

    Raises:
        Problem: NOT_ACCEPTABLE.
    """
    accept = ",".join(request.headers.getall("Accept", []))
    if not route.produces or not accept.strip():
        return
    kind = route.produces
    wanted = {kind, f"{kind.partition('/')[0]}/*", "*/*"}
    named = {
        match[1].lower(): any(_ZERO.fullmatch(part) for part in (match[2] or "").split(";"))
        for item in accept.split(",")
        if (match := _RANGE.fullmatch(item))
    }
    # The most exact range decides; q=0 says "anything but that".
    refused = next(
        (named[each] for each in sorted(wanted, key=lambda w: w.count("*")) if each in named), True
    )
    if refused:
        raise Problem(NOT_ACCEPTABLE, f"this answers with {kind}")


def must_send(request: web.Request, route: Route) -> None:
    """Refuse a body of a type that the route does not read.

    Raises:
        Problem: MEDIA_TYPE.
    """
    charset = (request.charset or "utf-8").lower()
    if not route.accepts and request.can_read_body:
        raise Problem(MEDIA_TYPE, "this reads no body")
    if route.accepts and (request.content_type not in route.accepts or charset not in ("utf-8", "utf8")):
        accepted = ", ".join(route.accepts)
        header = {"Accept-Patch" if route.method == "PATCH" else "Accept-Post": accepted}
        raise Problem(MEDIA_TYPE, f"this reads {accepted}, in UTF-8", headers=header)


def if_match(request: web.Request, route: Route) -> Sequence[str]:
    """The versions that may be changed; none where the route does not ask.

    Raises:
        Problem: the header is missing, or cannot be read.
    """
    if not route.edits or creates(request, route):
        return ()
    header = ",".join(request.headers.getall("If-Match", []))
    if not header.strip():
        new = ", or If-None-Match: * to make it anew" if route.method == "PUT" else ""
        raise Problem(UNCONDITIONAL, f"send the ETag that you were given as If-Match{new}")
    if header.strip() == "*":
        return ("*",)
    if not _ETAGS.fullmatch(header):
        raise _bad_header("If-Match", "is no list of ETags", '"1", or *')
    return [match[2] for match in _ETAG.finditer(header) if not match[1]]  # weak ones match nothing here


def creates(request: web.Request, route: Route) -> bool:
    """Whether a PUT is to make what is not there yet: ``If-None-Match: *``.

    Raises:
        Problem: it says something else.
    """
    given = request.headers.get("If-None-Match")
    if route.method != "PUT" or given is None:
        return False
    if given.strip() != "*":
        raise _bad_header("If-None-Match", "cannot be used with a PUT", "*")
    return True


def none_match(request: web.Request) -> Sequence[str]:
    """The versions that the asker has already."""
    header = ",".join(request.headers.getall("If-None-Match", []))
    return [match[2] for match in _ETAG.finditer(header)]


def idempotency_key(request: web.Request) -> str | None:
    """The Idempotency-Key; None if there is none.

    Raises:
        Problem: it cannot be one.
    """
    given = request.headers.getall("Idempotency-Key", [])
    if not given:
        return None
    key = given[0].strip().removeprefix('"').removesuffix('"')
    if len(given) > 1 or not _KEY.fullmatch(key):
        raise _bad_header("Idempotency-Key", "cannot be used", "1 to 255 visible characters of ASCII, once")
    return key


def _bad_header(name: str, what: str, allowed: str) -> Problem:
    return Problem(INVALID, f"{name} {what}", faults=[Fault("header", name, what, allowed)])


# --- parameters -------------------------------------------------------------------------------------------


def path_of(request: web.Request, model: type[M]) -> M:
    """What varies in the path.

    Raises:
        Problem: it has not the documented form.
    """
    return _parameters(model, {name: [value] for name, value in request.match_info.items()}, "path")


def query_of(request: web.Request, model: type[M]) -> M:
    """The query.

    Raises:
        Problem: it has not the documented form.
    """
    return _parameters(model, {name: request.query.getall(name) for name in request.query}, "query")


def _parameters(model: type[M], given: Mapping[str, Sequence[str]], place: str) -> M:
    kinds = _kinds(model)
    values: dict[str, Any] = {}
    for name, texts in given.items():
        kind = kinds.get(name, "string")
        if kind == "array":
            values[name] = list(texts)
        elif len(texts) == 1:
            values[name] = _scalar(texts[0], kind)
        else:
            raise Problem(INVALID, f"{name} is given twice", faults=[Fault(place, name, "is given twice")])
    try:
        # By way of JSON, where pydantic is strict about numbers, and yet reads times and words.
        return model.model_validate_json(json.dumps(values))
    except ValidationError as error:
        raise of_validation(error, place) from None


@cache
def _kinds(model: type[BaseModel]) -> Mapping[str, str]:
    def kind(schema: Mapping[str, Any]) -> str:
        some = [kind(each) for each in schema.get("anyOf", ()) if each.get("type") != "null"]
        return some[0] if some else str(schema.get("type", "string"))

    properties = model.model_json_schema().get("properties", {})
    return {name: kind(schema) for name, schema in properties.items()}


def _scalar(text: str, kind: str) -> Any:
    if kind == "integer" and _INTEGER.fullmatch(text):
        return int(text)
    if kind == "number" and _DECIMAL.fullmatch(text):
        return float(text)
    if kind == "boolean" and text in ("true", "false"):
        return text == "true"
    return text


# --- bodies -----------------------------------------------------------------------------------------------


async def body_of(request: web.Request, model: type[BaseModel], at_most: int) -> tuple[BaseModel, bytes]:
    """The body, checked, with its digest.

    Raises:
        Problem: it is too large, no JSON, or has not the documented form.
    """
    raw = b"".join([piece async for piece in _pieces(request, at_most)])
    try:
        return model.model_validate_json(raw), sha256(raw).digest()
    except ValidationError as error:
        raise of_validation(error, "body") from None


@asynccontextmanager
async def upload_of(request: web.Request, at_most: int, directory: Path | None) -> AsyncIterator[Upload]:
    """The body as a file; it is gone when left.

    Raises:
        Problem: it is too large.
    """
    digest, size = sha256(), 0
    file: IO[bytes] = await asyncio.to_thread(NamedTemporaryFile, prefix="upload-", dir=directory)
    try:
        async for piece in _pieces(request, at_most):
            digest.update(piece)
            size += len(piece)
            await asyncio.to_thread(file.write, piece)
        await asyncio.to_thread(file.flush)
        yield Upload(
            path=Path(file.name), size=size, content_type=request.content_type, digest=digest.digest()
        )
    finally:
        await asyncio.to_thread(file.close)


async def _pieces(request: web.Request, at_most: int) -> AsyncIterator[bytes]:
    too_large = Problem(TOO_LARGE, f"more than {at_most} bytes")
    if (request.content_length or 0) > at_most:
        raise too_large
    size = 0
    async for piece in request.content.iter_chunked(_PIECE):
        size += len(piece)
        if size > at_most:
            raise too_large
        yield piece
