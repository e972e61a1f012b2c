from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from controller import log
from controller.domain.ids import CallId, CampaignId

NUMBER = "+393471234567"


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def as_json(stream: io.StringIO) -> dict[str, Any]:
    lines = stream.getvalue().splitlines()
    assert len(lines) == 1
    return dict(json.loads(lines[0]))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (NUMBER, "+3934******67"),
        (f"PJSIP/{NUMBER}@trunk", "PJSIP/+3934******67@trunk"),
        ("endpoint=PJSIP%2B393471234567", "endpoint=PJSIP%2B3934******67"),
        (f"{NUMBER},{NUMBER}", "+3934******67,+3934******67"),
        ("+1234567", "+1234*67"),
        ("+123456", "+123456"),
        ("2026-01-02T03:04:05+0000", "2026-01-02T03:04:05+0000"),
        ("call 393471234567", "call 393471234567"),
    ],
)
def test_numbers_are_masked_wherever_they_stand(text: str, expected: str) -> None:
    assert log.without_numbers(text) == expected


@pytest.mark.parametrize("number", ["+1234567", "+" + "1" * 15, "+" + "1" * 20])
def test_no_number_of_any_length_stays_whole(number: str) -> None:
    assert number not in log.without_numbers(f"x{number}")


class Odd:
    def __repr__(self) -> str:
        return f"<Odd {NUMBER}>"


@pytest.mark.parametrize("format", ["console", "json"])
def test_no_value_lets_a_number_through(format: Any) -> None:
    stream = io.StringIO()
    log.configure("info", format, stream)
    logger = structlog.get_logger("test")
    logger.info(
        f"event {NUMBER}",
        plain=NUMBER,
        deep={NUMBER: [(NUMBER,), {NUMBER}]},
        odd=Odd(),
        raw=NUMBER.encode(),
        error=ValueError(NUMBER),
    )
    logger.info("to %s", NUMBER)
    try:
        raise RuntimeError(f"lost {NUMBER}")
    except RuntimeError:
        logger.exception("failed")
        logging.getLogger("aiohttp.server").exception("failed with %s", NUMBER, extra={"number": NUMBER})
    text = stream.getvalue()
    assert "3471234567" not in text
    assert len(text.splitlines()) == 4
    assert text.count("Traceback") == 2


def test_a_line_has_time_level_event_and_context() -> None:
    stream = io.StringIO()
    log.configure("info", "json", stream)
    with log.context(campaign=CampaignId("spring"), call=CallId("c-1")):
        structlog.get_logger("controller.engine").info("placed", lines=3, covered=True, agent=None)
    line = as_json(stream)
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "info",
        "event": "placed",
        "logger": "controller.engine",
        "campaign": "spring",
        "call": "c-1",
        "lines": 3,
        "covered": True,
        "agent": None,
    }


def test_the_context_ends_with_its_block_and_can_grow() -> None:
    stream = io.StringIO()
    log.configure("info", "console", stream)
    logger = structlog.get_logger("test")
    with log.context(campaign=CampaignId("spring")):
        with log.context(call=CallId("c-1")):
            logger.info("inner")
        logger.info("outer")
    logger.info("after")
    inner, outer, after = stream.getvalue().splitlines()
    assert "campaign=spring call=c-1" in inner
    assert "campaign=spring" in outer
    assert "call=" not in outer
    assert "campaign=" not in after


def test_the_console_line_is_key_value_in_one_line() -> None:
    stream = io.StringIO()
    log.configure("warning", "console", stream)
    logger = structlog.get_logger("test")
    logger.info("not shown")
    logger.warning("two\nlines", why="a b")
    assert stream.getvalue().count("\n") == 1
    assert "level=warning event=two\\nlines" in stream.getvalue()
    assert 'why="a b"' in stream.getvalue()


def test_chatty_libraries_are_quiet_at_info() -> None:
    stream = io.StringIO()
    log.configure("info", "console", stream)
    logging.getLogger("aiohttp.access").info("GET /status")
    logging.getLogger("sqlalchemy.engine").info("SELECT 1")
    assert stream.getvalue() == ""


def test_setting_it_up_again_does_not_double_the_lines() -> None:
    stream = io.StringIO()
    log.configure("info", "json", stream)
    log.configure("info", "json", stream)
    structlog.get_logger("test").info("once")
    assert as_json(stream)["event"] == "once"
