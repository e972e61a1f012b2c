"""Pages for strangers: landing pages' forms, signed deliveries of leads, links to confirm and to unsubscribe.

    POST /public/forms/{form}          a landing page's form: urlencoded, or JSON
    POST /public/intake/{form}         the same as JSON, signed (controller.domain.signing)
    GET, POST /public/confirm/{token}  double opt-in: GET shows a button, POST confirms
    GET, POST /public/unsubscribe/{token}  likewise; POST is also what mail programs send (RFC 8058)

A GET never changes anything: mail programs and virus scanners follow every link. No cookies, no scripts,
nothing loaded from elsewhere. What a stranger typed is never written into a page.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from html import escape
from ipaddress import ip_address
from urllib.parse import parse_qsl
from uuid import uuid4

import structlog
from aiohttp import web

from controller.api.messages import PROBLEM_TYPE, problem_of
from controller.domain.intake import Answer, IntakeForm, IntakeState, plain_fields
from controller.domain.webhook import Network
from controller.errors import BadInput, ControllerError, Refused
from controller.ports import Clock
from controller.ports.leads import (
    CONFIRM,
    DELIVERIES,
    FORMS,
    UNSUBSCRIBE,
    IntakeDesk,
    UnsubscribeDesk,
)

log = structlog.get_logger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

LONGEST = 64 * 1024
"""Bytes of a body."""
_ADDRESSES = 10_000
"""Addresses whose last minute is remembered; of more, those that were silent for longest are forgotten."""
_MINUTE = 60.0
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
    "Cache-Control": "no-store",
}
_WORDS = {
    "it": {
        "unsubscribe": "Non vuole più ricevere le nostre e-mail?",
        "unsubscribe.button": "Non scrivetemi più",
        "unsubscribed": "Fatto: non Le scriveremo più.",
        "confirm": "Vuole confermare la Sua richiesta?",
        "confirm.button": "Confermo",
        "accepted": "Grazie, la Sua richiesta è confermata.",
        "pending": "Grazie! Le abbiamo mandato un'e-mail: segua il link per confermare.",
        "repeated": "Le abbiamo già mandato un'e-mail: segua il link per confermare.",
        "rejected": "Non possiamo accettare la richiesta:",
        "expired": "Questa richiesta è scaduta. La faccia di nuovo, se vuole.",
        "unknown": "Questo link non è valido.",
    },
    "en": {
        "unsubscribe": "You do not want our mails any more?",
        "unsubscribe.button": "Do not write to me any more",
        "unsubscribed": "Done: we will not write to you any more.",
        "confirm": "Do you want to confirm your request?",
        "confirm.button": "I confirm",
        "accepted": "Thank you, your request is confirmed.",
        "pending": "Thank you! We have sent you a mail: follow its link to confirm.",
        "repeated": "We have sent you a mail already: follow its link to confirm.",
        "rejected": "We cannot accept the request:",
        "expired": "This request is too old. Make it again, if you like.",
        "unknown": "This link is not valid.",
    },
}


class Limiter:
    """So many in a minute from one address."""

    def __init__(self, per_minute: int, clock: Clock) -> None:
        self._most = per_minute
        self._clock = clock
        self._seen: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def admits(self, who: str) -> bool:
        """Whether one more is accepted; counts it if so."""
        now = self._clock.monotonic()
        left, since = self._seen.pop(who, (float(self._most), now))
        left = min(self._most, left + (now - since) * self._most / _MINUTE)
        admitted = left >= 1
        self._seen[who] = (left - admitted, now)
        while len(self._seen) > _ADDRESSES:
            self._seen.popitem(last=False)
        return admitted


class PublicPages:
    """Serves strangers; see the module."""

    def __init__(
        self,
        intake: IntakeDesk,
        unsubscribing: UnsubscribeDesk,
        clock: Clock,
        *,
        per_minute: int = 10,
        proxies: Sequence[Network] = (),
    ) -> None:
        """Take who does the work.

        Args:
            intake: forms, deliveries, confirmations.
            unsubscribing: unsubscribe links.
            clock: for the limit.
            per_minute: submissions from one address.
            proxies: whose ``X-Forwarded-For`` is believed.
        """
        self._intake = intake
        self._unsubscribing = unsubscribing
        self._limiter = Limiter(per_minute, clock)
        self._proxies = tuple(proxies)

    def routes(self) -> list[web.RouteDef]:
        """All routes."""
        return [
            web.post(FORMS + "{form}", _guarded(self.submit)),
            web.options(FORMS + "{form}", _guarded(self.preflight)),
            web.post(DELIVERIES + "{form}", _guarded(self.deliver)),
            web.get(CONFIRM + "{token}", _guarded(self.ask_to_confirm), allow_head=False),
            web.post(CONFIRM + "{token}", _guarded(self.confirm)),
            web.get(UNSUBSCRIBE + "{token}", _guarded(self.ask_to_unsubscribe), allow_head=False),
            web.post(UNSUBSCRIBE + "{token}", _guarded(self.unsubscribe)),
        ]

    # --- forms

    async def submit(self, request: web.Request) -> web.StreamResponse:
        """What a landing page sends."""
        if not self._limiter.admits(self._address(request)):
            raise web.HTTPTooManyRequests(headers={"Retry-After": "60"})
        form = await self._form(request)
        _check_origin(form, request)
        values, as_json = await _values(request)
        # A page may name its submission, so that a second press of the button is the same one.
        delivery = values.pop("delivery", "")[:100] or uuid4().hex
        answer = await self._intake.submit(form, values, f"form:{delivery}")
        return _answered(answer, form, request, as_json=as_json)

    async def preflight(self, request: web.Request) -> web.StreamResponse:
        """A browser asks whether a page of another site may send the form."""
        form = await self._form(request)
        _check_origin(form, request)
        return web.Response(
            status=204,
            headers=_cors(form, request)
            | {
                "Access-Control-Allow-Methods": "POST",
                "Access-Control-Allow-Headers": "content-type",
                "Access-Control-Max-Age": "600",
            },
        )

    async def deliver(self, request: web.Request) -> web.StreamResponse:
        """What another system signed."""
        form = await self._form(request)
        body = await _body(request)
        try:
            answer = await self._intake.deliver(form, request.headers, body)
        except Refused as error:
            return _problem(error, 401)
        status = 422 if answer.state is IntakeState.REJECTED else 200
        return web.json_response(_as_dict(answer), status=status, headers=_HEADERS)

    # --- links

    async def ask_to_confirm(self, request: web.Request) -> web.StreamResponse:
        """The page with the button."""
        form = await self._intake.confirmable(request.match_info["token"])
        if form is None:
            return _page("en", ["unknown"], status=404)
        return _page(form.language, ["confirm"], text=form.consent_text, button="confirm.button")

    async def confirm(self, request: web.Request) -> web.StreamResponse:
        """The button was pressed."""
        await request.release()
        answer = await self._intake.confirm(request.match_info["token"])
        if answer is None:
            return _page("en", ["unknown"], status=404)
        status = 410 if answer.state is IntakeState.EXPIRED else 200
        return _page(answer.language, [answer.state.value], status=status)

    async def ask_to_unsubscribe(self, request: web.Request) -> web.StreamResponse:
        """The page with the button."""
        language = self._unsubscribing.language(request.match_info["token"])
        if language is None:
            return _page("en", ["unknown"], status=404)
        return _page(language, ["unsubscribe"], button="unsubscribe.button")

    async def unsubscribe(self, request: web.Request) -> web.StreamResponse:
        """The button was pressed, here or in a mail program."""
        await request.release()
        token = request.match_info["token"]
        if not await self._unsubscribing.unsubscribe(token):
            return _page("en", ["unknown"], status=404)
        return _page(self._unsubscribing.language(token) or "en", ["unsubscribed"])

    # --- what they share

    async def _form(self, request: web.Request) -> IntakeForm:
        form = await self._intake.form(request.match_info["form"])
        if form is None:
            raise web.HTTPNotFound
        return form

    def _address(self, request: web.Request) -> str:
        """Who it is: the peer, or whom the last proxy that we trust names."""
        peer = request.remote or ""
        forwarded = ",".join(request.headers.getall("X-Forwarded-For", []))
        named = [part.strip() for part in forwarded.split(",") if part.strip()]
        while named and self._is_proxy(peer):
            peer = named.pop()
        return peer

    def _is_proxy(self, peer: str) -> bool:
        try:
            address = ip_address(peer)
        except ValueError:
            return False
        return any(address.version == net.version and address in net for net in self._proxies)


def public_routes(
    intake: IntakeDesk,
    unsubscribing: UnsubscribeDesk,
    clock: Clock,
    *,
    per_minute: int = 10,
    proxies: Sequence[Network] = (),
) -> list[web.RouteDef]:
    """The routes of the public pages, to be mounted on a server; see PublicPages."""
    return PublicPages(intake, unsubscribing, clock, per_minute=per_minute, proxies=proxies).routes()


def _guarded(handler: Handler) -> Handler:
    """An error of ours becomes an answer that tells a stranger nothing they need not know."""

    async def guarded(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except BadInput as error:
            return _problem(error, 400)
        except ControllerError as error:
            log.warning("a public page could not be served", why=str(error))
            return web.Response(status=503, text="Try again later.\n", headers={"Retry-After": "30"})

    return guarded


def _check_origin(form: IntakeForm, request: web.Request) -> None:
    origin = request.headers.get("Origin")
    if origin is not None and origin != form.origin:
        raise web.HTTPForbidden(text="This site may not send this form.\n")


def _cors(form: IntakeForm, request: web.Request) -> dict[str, str]:
    if request.headers.get("Origin") is None:
        return {}
    return {"Access-Control-Allow-Origin": form.origin, "Vary": "Origin"}


async def _body(request: web.Request) -> bytes:
    if (request.content_length or 0) > LONGEST:
        raise web.HTTPRequestEntityTooLarge(max_size=LONGEST, actual_size=request.content_length or 0)
    body = await request.content.read(LONGEST + 1)
    while len(body) <= LONGEST and not request.content.at_eof():
        body += await request.content.read(LONGEST + 1 - len(body))
    if len(body) > LONGEST:
        raise web.HTTPRequestEntityTooLarge(max_size=LONGEST, actual_size=len(body))
    return body


async def _values(request: web.Request) -> tuple[dict[str, str], bool]:
    """The fields that were sent, and whether JSON is wanted in return."""
    kind = request.content_type
    if kind == "application/json":
        try:
            return plain_fields(await _body(request)), True
        except ValueError as error:
            raise BadInput("body", str(error)) from None
    if kind == "application/x-www-form-urlencoded":
        try:
            fields = parse_qsl((await _body(request)).decode(), keep_blank_values=True, max_num_fields=100)
        except ValueError:
            raise BadInput("body", "these are no form fields") from None
        return dict(fields), "application/json" in request.headers.get("Accept", "")
    raise web.HTTPUnsupportedMediaType


def _answered(answer: Answer, form: IntakeForm, request: web.Request, *, as_json: bool) -> web.StreamResponse:
    status = 422 if answer.state is IntakeState.REJECTED else 200
    if as_json:
        return web.json_response(_as_dict(answer), status=status, headers=_HEADERS | _cors(form, request))
    return _page(form.language, [answer.state.value], status=status, text=answer.problem)


def _as_dict(answer: Answer) -> dict[str, str]:
    found = {"state": answer.state.value}
    return found | ({"problem": answer.problem} if answer.problem else {})


def _problem(error: ControllerError, status: int) -> web.Response:
    document = problem_of(error) | {"status": status}
    return web.json_response(document, status=status, content_type=PROBLEM_TYPE, headers=_HEADERS)


def _page(
    language: str, words: Sequence[str], *, status: int = 200, text: str = "", button: str = ""
) -> web.Response:
    """A page of a few words, without anything from elsewhere."""
    known: Mapping[str, str] = _WORDS.get(language, _WORDS["en"])
    said = "".join(f"<h1>{escape(known[word])}</h1>" for word in words)
    more = f"<p>{escape(text)}</p>" if text else ""
    form = f'<form method="post"><button>{escape(known[button])}</button></form>' if button else ""
    page = (
        f'<!doctype html><html lang="{escape(language)}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><title>.</title><style>body{font:1.1rem/1.5 '
        "sans-serif;max-width:34rem;margin:3rem auto;padding:0 1rem}h1{font-size:1.3rem}button{font:inherit;"
        f"padding:.6rem 1.2rem}}</style></head><body>{said}{more}{form}</body></html>"
    )
    return web.Response(status=status, text=page, content_type="text/html", headers=_HEADERS)
