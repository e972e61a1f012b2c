"""The log: one line an event, UTC, and never a whole telephone number.

Libraries (aiohttp, SQLAlchemy) that log by the standard library take the same way, and so the same mask.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from controller.domain.ids import CallId, CampaignId, masked

# "%2B" is the plus sign inside a URL, as in a request to Asterisk that failed.
_NUMBER = re.compile(r"(\+|%2[Bb])(\d{7,15})")
# Of these one line is of use, the rest is noise at the level "info".
_CHATTY = ("aiohttp.access", "aiosqlite", "sqlalchemy.engine", "asyncio")


def without_numbers(text: str) -> str:
    """The text with every E.164 number in it masked.

    >>> without_numbers("Called PJSIP/+393471234567@trunk")
    'Called PJSIP/+3934*****67@trunk'
    """
    return _NUMBER.sub(lambda found: found[1] + masked("+" + found[2])[1:], text)


def mask_numbers(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A structlog processor: mask the numbers in every value, however deep, and in exception texts.

    It must come after the exception has become text and directly before the renderer.
    """
    return {key: _masked(value) for key, value in event.items()}


def _masked(value: object) -> object:
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            return without_numbers(value)
        case Mapping():
            return {_masked(key): _masked(item) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_masked(item) for item in value]
        case _:
            # The renderer would turn it into text anyway, behind the back of this mask.
            return without_numbers(str(value))


def configure(
    level: Literal["debug", "info", "warning", "error"] = "info",
    format: Literal["console", "json"] = "console",
    stream: TextIO | None = None,
) -> None:
    """Set the log up for the whole process. May be called again.

    Args:
        level: least level written.
        format: "console" is key=value (logfmt), "json" one object per line.
        stream: where to; standard error by default.
    """
    shared: list[Processor] = [
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        structlog.processors.UnicodeDecoder(),
    ]
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                mask_numbers,
                _renderer(format),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        # A line below the level costs nothing: its method does nothing. Calls log their every step.
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=False,
    )


def _renderer(format: str) -> Processor:
    if format == "json":
        return structlog.processors.JSONRenderer(ensure_ascii=False)
    return structlog.processors.LogfmtRenderer(
        key_order=["time", "level", "event", "campaign", "call"], drop_missing=True, bool_as_flag=False
    )


def context(
    *, campaign: CampaignId | None = None, call: CallId | None = None
) -> AbstractContextManager[None]:
    """Within it every line, also of code that knows nothing of calls, names the campaign and the call."""
    named = {"campaign": campaign, "call": call}
    return structlog.contextvars.bound_contextvars(**{k: v for k, v in named.items() if v is not None})
