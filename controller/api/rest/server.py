"""The HTTP server of the REST API."""

from __future__ import annotations

import re
import secrets
import ssl
from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import structlog
from aiohttp import web

from controller.api.rest.door import ASKER, Door
from controller.api.rest.limits import RateLimit
from controller.api.rest.pipeline import Bounds, Pipeline
from controller.api.rest.problems import FAILED, PREFIX, PROBLEM_TYPE, Problem, document, of_error, of_http
from controller.api.rest.resources import RESOURCES
from controller.api.rest.services import Services
from controller.errors import ConfigError, ControllerError, Refused

log = structlog.get_logger(__name__)

Next = Callable[[web.Request], Awaitable[web.StreamResponse]]

_ID: ContextVar[str] = ContextVar("request id", default="")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_CLOSE_TIMEOUT = 2.0
_SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_HSTS = "max-age=31536000"
_OUTSIDE = {route.address for resource in RESOURCES for route in resource.routes if route.outside}


@dataclass(frozen=True, slots=True, kw_only=True)
class RestConfig:
    """Where the API is served, and how much of it.

    Attributes:
        api: serve the API; else only the routes of others.
        port: 0: any that is free, see ``RestServer.port``.
        certificate, key: PEM files for TLS; None: plain HTTP.
        requests_per_second, burst: of one token.
        failures_per_minute: requests without a valid token, of one address.
        extra_routes: of others, served beside the API and outside of it (they check who asks by themselves).
    """

    api: bool = True
    host: str = "127.0.0.1"
    port: int = 8080
    certificate: Path | None = None
    key: Path | None = None
    requests_per_second: float = 50.0
    burst: int = 100
    failures_per_minute: int = 20
    bounds: Bounds = field(default_factory=Bounds)
    extra_routes: Sequence[web.AbstractRouteDef] = field(default=())


class RestServer:
    """Serves the API while entered: ``async with RestServer(config, services)``."""

    def __init__(self, config: RestConfig, services: Services) -> None:
        """Nothing is opened yet."""
        self._config = config
        self._services = services
        self._runner: web.AppRunner | None = None
        self.port = config.port

    async def __aenter__(self) -> Self:
        """Open the port.

        Raises:
            Refused: it is taken.
            ConfigError: the certificate or its key cannot be used.
        """
        config = self._config
        tls = _tls(config)
        runner = web.AppRunner(self._app(), access_log=None, shutdown_timeout=_CLOSE_TIMEOUT)
        await runner.setup()
        site = web.TCPSite(runner, config.host, config.port, ssl_context=tls)
        try:
            await site.start()
        except OSError as error:
            await runner.cleanup()
            raise Refused(
                f"the API cannot listen on {config.host}:{config.port}: {error.strerror}; "
                "see host and port in [api]"
            ) from error
        self._runner = runner
        self.port = runner.addresses[0][1]
        log.info("the API is open", host=config.host, port=self.port, tls=config.certificate is not None)
        return self

    async def __aexit__(self, *_exception: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def _app(self) -> web.Application:
        config, clock = self._config, self._services.clock
        door = Door(
            self._services.tokens,
            RateLimit(config.requests_per_second, config.burst, clock.monotonic),
            RateLimit(config.failures_per_minute / 60, config.failures_per_minute, clock.monotonic),
        )
        pipeline = Pipeline(self._services, door, config.bounds)
        app = web.Application(middlewares=[_answered], client_max_size=config.bounds.body)
        methods: dict[str, set[str]] = {}
        for resource in RESOURCES if config.api else ():
            for route in resource.routes:
                path = route.address
                app.router.add_route(route.method, path, pipeline.serves(route))
                methods.setdefault(path, {"OPTIONS"}).add(route.method)
                if route.method == "GET" and not route.streams:
                    app.router.add_route("HEAD", path, pipeline.serves(route))
                    methods[path].add("HEAD")
        for path, allowed in methods.items():
            app.router.add_route("OPTIONS", path, _options(", ".join(sorted(allowed))))
        app.add_routes(config.extra_routes)
        app.on_shutdown.append(pipeline.close)
        app.on_response_prepare.append(_with_headers(tls=config.certificate is not None))
        return app


@web.middleware
async def _answered(request: web.Request, handler: Next) -> web.StreamResponse:
    """Give the request its id, and tell of whatever goes wrong as a problem."""
    if not _ours(request.path):
        return await handler(request)  # pages of others answer for themselves; their paths may be secret
    given = request.headers.get("X-Request-Id", "")
    _ID.set(given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8))
    ASKER.set("")
    try:
        answer = await handler(request)
    except ControllerError as error:
        answer = _told(of_error(error))
    except Problem as problem:
        answer = _told(problem)
    except web.HTTPException as error:
        answer = _told(of_http(error))
    except ConnectionError:
        raise  # who asked is gone: there is nobody to be told
    except Exception:
        log.exception("a request to the API failed", request=_ID.get(), path=request.path)
        answer = _told(Problem(FAILED, "see the controller's log"))
    if request.method not in ("GET", "HEAD", "OPTIONS"):
        log.info(
            "api",
            method=request.method,
            path=request.path,
            status=answer.status,
            token=ASKER.get(),
            request=_ID.get(),
        )
    return answer


def _ours(path: str) -> bool:
    return path.startswith(PREFIX) or path in _OUTSIDE


def _told(problem: Problem) -> web.Response:
    return web.Response(
        status=problem.kind.status,
        headers=problem.headers,
        body=document(problem, _ID.get()),
        content_type=PROBLEM_TYPE,
    )


def _with_headers(*, tls: bool) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    headers = _SECURITY | ({"Strict-Transport-Security": _HSTS} if tls else {})

    async def add(request: web.Request, response: web.StreamResponse) -> None:
        for name, value in headers.items():
            response.headers.setdefault(name, value)
        if _ours(request.path):
            response.headers["X-Request-Id"] = _ID.get()
        response.headers["Server"] = "campaign-controller"

    return add


def _options(allowed: str) -> Next:
    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=204, headers={"Allow": allowed})

    return answer


def _tls(config: RestConfig) -> ssl.SSLContext | None:
    if config.certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(config.certificate, config.key)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            "api.certificate", f"{config.certificate} and its key cannot be used: {error}", "PEM files"
        ) from error
    return context
