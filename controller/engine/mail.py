"""Mail templates filled in, and mails handed to the mail server.

A template is filled in, it does not compute: only values, conditions and a few filters are allowed. So it
ends, it stays small, and it reaches nothing but what it is given.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from html import escape
from typing import Any

import structlog
from jinja2 import Template, TemplateSyntaxError, Undefined, UndefinedError, nodes
from jinja2.exceptions import SecurityError, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from controller.domain.followup import MailTemplate, masked_address
from controller.domain.outbox import SENT, Job, Verdict, again, failed
from controller.errors import BadInput, Refused, Unreachable
from controller.ports.outbox import Mail, Mailer

log = structlog.get_logger(__name__)

Composer = Callable[[Job], Awaitable[Mail | Verdict]]
"""Makes a job's mail, or says why there is none."""

FILTERS = frozenset({"capitalize", "d", "default", "e", "escape", "lower", "title", "trim", "upper"})
"""What a template may do with a value. None of these makes it much longer."""
LONGEST = 200_000
"""Characters of a template's part, and of a mail's."""
_ALLOWED: tuple[type[nodes.Node], ...] = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Getattr,
    nodes.Getitem,
    nodes.Const,
    nodes.Filter,
    nodes.If,
    nodes.CondExpr,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.Concat,
)
_UNSUBSCRIBE = {
    "it": "Non vuole più ricevere i nostri messaggi?",
    "en": "You do not want to hear from us any more?",
}


class _Missing(Undefined):
    """A value that is not there: it can be asked for, and given a default, but never written."""

    __slots__ = ()

    def __str__(self) -> str:
        self._fail_with_undefined_error()


@dataclass(frozen=True, slots=True)
class Filled:
    """A template with a contact's values in it."""

    subject: str
    text: str
    html: str


class MissingValueError(Exception):
    """A template writes a value that is not there."""


def fill(template: MailTemplate, values: Mapping[str, Any]) -> Filled:
    """Fill a template in.

    Raises:
        BadInput: the template cannot be used at all.
        MissingValueError: it needs a value that is not there.
    """
    place = f"template {template.name} ({template.language} v{template.version})"
    return Filled(
        subject=" ".join(_filled(f"{place} subject", template.subject, values, html=False).split()),
        text=_filled(f"{place} text", template.text, values, html=False),
        html=_filled(f"{place} html", template.html, values, html=True),
    )


def check_template(place: str, source: str, *, html: bool = False) -> None:
    """Refuse a template that cannot be filled in.

    Raises:
        BadInput: with the line.
    """
    _compiled(place, source, html)


def _filled(place: str, source: str, values: Mapping[str, Any], *, html: bool) -> str:
    try:
        text = _compiled(place, source, html).render(values)
    except UndefinedError as error:
        raise MissingValueError(f"{place}: {error}") from None
    except (TemplateError, ValueError, TypeError) as error:
        # Not its text: it may quote a value.
        raise MissingValueError(f"{place} cannot be filled in: {type(error).__name__}") from None
    if len(text) > LONGEST:
        raise MissingValueError(f"{place} became longer than {LONGEST} characters")
    return text


@lru_cache(maxsize=256)
def _compiled(place: str, source: str, html: bool) -> Template:
    if len(source) > LONGEST:
        raise BadInput(place, f"longer than {LONGEST} characters")
    environment = ImmutableSandboxedEnvironment(
        undefined=_Missing, autoescape=html, keep_trailing_newline=True
    )
    try:
        parsed = environment.parse(source)
        for problem in _forbidden(parsed):
            raise BadInput(place, problem, f"values, if, and the filters {', '.join(sorted(FILTERS))}")
        return environment.from_string(source)
    except TemplateSyntaxError as error:
        raise BadInput(f"{place} line {error.lineno}", error.message or "no template") from None
    except SecurityError as error:
        raise BadInput(place, str(error)) from None


def _forbidden(parsed: nodes.Template) -> Iterator[str]:
    for node in parsed.find_all(nodes.Node):
        if not isinstance(node, _ALLOWED):
            yield f"line {node.lineno}: {type(node).__name__.lower()} cannot be used in a mail"
        elif isinstance(node, nodes.Filter) and node.name not in FILTERS:
            yield f"line {node.lineno}: there is no filter {node.name!r}"
        elif isinstance(node, nodes.Getattr) and node.attr.startswith("_"):
            yield f"line {node.lineno}: there is no {node.attr!r}"


def with_unsubscribe(filled: Filled, url: str, language: str) -> Filled:
    """The same with the unsubscribe link, in each part that has not named it itself."""
    words = _UNSUBSCRIBE.get(language, _UNSUBSCRIBE["en"])
    text, html = filled.text, filled.html
    if url not in text:
        text = f"{text.rstrip()}\n\n-- \n{words}\n{url}\n"
    if html and url not in html and escape(url) not in html:
        link = f'<p><a href="{escape(url)}">{escape(words)}</a></p>'
        body = re.search(r"</body>", html, re.IGNORECASE)
        at = body.start() if body else len(html)
        html = html[:at] + link + html[at:]
    return Filled(subject=filled.subject, text=text, html=html)


def message_id(job: Job, domain: str) -> str:
    """A mail's id, the same at every try, so that a repetition can be recognised as one."""
    return f"{sha256(job.key.encode()).hexdigest()[:32]}@{domain}"


class MailJobs:
    """Sends the mails of jobs, each composed by what its payload says it is."""

    def __init__(self, mailer: Mailer, composers: Mapping[str, Composer]) -> None:
        """Take a way to send mail, and who composes what."""
        self._mailer = mailer
        self._composers = dict(composers)

    async def send(self, job: Job) -> Verdict:
        """Compose and send one mail."""
        composer = self._composers.get(str(job.payload.get("what")))
        if composer is None:
            return failed(f"nobody here composes {job.payload.get('what')!r}")
        mail = await composer(job)
        if isinstance(mail, Verdict):
            return mail
        try:
            await self._mailer.send(mail)
        except Refused as error:
            return failed(str(error))
        except Unreachable as error:
            return again(str(error))
        log.info("mail sent", job=job.id, to=masked_address(mail.to), tries=job.tries)
        return SENT
