"""Routes: one declaration says what is asked, what is answered and who may, and is all that there is to say.

    campaigns = Resource("Campaigns", "What is dialed, and how")

    @campaigns.get("/campaigns/{campaign}", Right.SEE_CAMPAIGNS)
    async def campaign(ask: Ask, path: CampaignPath) -> Reply[CampaignView]:
        '''One campaign.'''

The parameters ``path``, ``query`` and ``body`` are what the request is checked against and handed over as;
the answer's type is what it is written by; the docstring is what the OpenAPI document says. A handler
refuses by raising ``Problem`` or any ``ControllerError``.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, TypeVar, get_args, get_origin, get_type_hints

from aiohttp import web
from pydantic import BaseModel, TypeAdapter

from controller.api.rest.models import NoPath, NoQuery
from controller.api.rest.problems import PREFIX, Kind
from controller.domain.access import Right

T = TypeVar("T")
Handler = Callable[..., Awaitable[Any]]
H = TypeVar("H", bound=Handler)

JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
EVENT_STREAM = "text/event-stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply(Generic[T]):
    """An answer with more to it than its body.

    Attributes:
        etag: the version of what is answered, without quotes; None: it has none.
        location: path of what was made, below /api/v1.
        made: a PUT has made what was not there.
    """

    body: T
    etag: str | None = None
    location: str | None = None
    made: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file that was sent, on this machine's disk until the request is over.

    Attributes:
        content_type: as declared.
        digest: SHA-256 of its bytes.
    """

    path: Path
    size: int
    content_type: str
    digest: bytes


@dataclass(frozen=True, kw_only=True)
class Route:
    """One operation.

    Attributes:
        right: what its caller must have; None: anybody may, without a token.
        takes: content types of a body that is taken as a file; empty: the body is JSON, or there is none.
        tagged: the answer has a version, by which it is not sent again.
        edits: the caller has to name the version to be changed, by If-Match.
        patient: it may take long: it looks at every contact, or at every entry.
        keeps: the answer to a POST is kept for when the same request comes again.
        streams: the handler answers by itself, for as long as it likes.
        sends: content type of an answer that the handler writes by itself.
        outside: its path is not below that of the API, but at the root, where others look for it.
        may_fail: kinds of problem that only this route has.
    """

    method: str
    path: str
    handler: Handler
    tag: str
    right: Right | None
    status: int = 200
    takes: Sequence[str] = ()
    edits: bool = False
    tagged: bool = False
    patient: bool = False
    keeps: bool = False
    streams: bool = False
    sends: str = ""
    outside: bool = False
    may_fail: Sequence[Kind] = ()
    path_model: type[BaseModel] = NoPath
    query_model: type[BaseModel] = NoQuery
    body_model: type[BaseModel] | None = None
    answer: Any = None

    @property
    def address(self) -> str:
        """Its path, from the root."""
        return self.path if self.outside else PREFIX + self.path

    @property
    def name(self) -> str:
        """Unique among routes: the handler's own name."""
        return self.handler.__name__

    @property
    def accepts(self) -> Sequence[str]:
        """Content types of the body; empty where there is none."""
        if self.takes:
            return self.takes
        if self.body_model is None:
            return ()
        return (MERGE_PATCH, JSON) if self.method == "PATCH" else (JSON,)

    @property
    def produces(self) -> str:
        """Content type of the answer; empty where there is none."""
        return self.sends or (EVENT_STREAM if self.streams else "" if self.answer is None else JSON)

    @cached_property
    def wanted(self) -> Mapping[str, Any]:
        """The handler's parameters that are to be filled."""
        return inspect.signature(self.handler).parameters

    @cached_property
    def writer(self) -> TypeAdapter[Any]:
        """Writes the answer."""
        return TypeAdapter(self.answer)


@dataclass(frozen=True, slots=True)
class Resource:
    """Routes that belong together; a tag of the OpenAPI document."""

    title: str
    about: str
    routes: list[Route] = field(default_factory=list)

    def get(self, path: str, right: Right | None, **more: Any) -> Callable[[H], H]:
        """Declare a route that only looks."""
        return self._route("GET", path, right, **more)

    def post(self, path: str, right: Right, *, keeps: bool = True, **more: Any) -> Callable[[H], H]:
        """Declare a route that does something; ``keeps=False`` where doing it twice is the same as once."""
        return self._route("POST", path, right, keeps=keeps, **more)

    def patch(self, path: str, right: Right, **more: Any) -> Callable[[H], H]:
        """Declare a route that changes parts of something, as a JSON merge patch (RFC 7396)."""
        return self._route("PATCH", path, right, edits=True, **more)

    def put(self, path: str, right: Right, **more: Any) -> Callable[[H], H]:
        """Declare a route that stores something under a name of the caller's choice."""
        return self._route("PUT", path, right, edits=True, **more)

    def delete(self, path: str, right: Right, *, edits: bool = True, **more: Any) -> Callable[[H], H]:
        """Declare a route that takes something away; ``edits=False`` where it has no versions."""
        return self._route("DELETE", path, right, edits=edits, **more)

    def _route(self, method: str, path: str, right: Right | None, **more: Any) -> Callable[[H], H]:
        def declare(handler: H) -> H:
            hints = get_type_hints(handler)
            answer = hints["return"]
            tagged = method == "GET" and get_origin(answer) is Reply
            if get_origin(answer) is Reply:
                (answer,) = get_args(answer)
            nothing = answer is type(None) or (
                inspect.isclass(answer) and issubclass(answer, web.StreamResponse)
            )
            body = hints.get("body")
            takes_model = inspect.isclass(body) and issubclass(body, BaseModel)
            route = Route(
                method=method,
                path=path,
                handler=handler,
                tag=self.title,
                right=right,
                path_model=hints.get("path", NoPath),
                query_model=hints.get("query", NoQuery),
                body_model=body if takes_model else None,
                answer=None if nothing else answer,
                tagged=tagged,
                **({"status": 204} if answer is type(None) else {}) | more,
            )
            self.routes.append(route)
            return handler

        return declare
