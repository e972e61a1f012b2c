from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Any

import pytest
from structlog.testing import capture_logs

_BUGS = ("call owner failed", "the call could not be closed either", "mailbox full", "desk overrun")


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[MutableMapping[str, Any]]]:
    """What was logged; a test in which a call's owner met a bug fails."""
    with capture_logs() as entries:
        yield entries
    bugs = [entry for entry in entries if str(entry["event"]).startswith(_BUGS)]
    assert not bugs, bugs
