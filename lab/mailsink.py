"""A mail server that keeps what it is sent, for demo and tests. On loopback only; nothing leaves it."""

from __future__ import annotations

import asyncio
import time
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from types import TracebackType
from typing import Any, Final

from aiosmtpd.controller import Controller

HOST: Final = "127.0.0.1"
MOST: Final = 10_000
"""Mails kept; more are refused, as a full mailbox does."""


class MailSink:
    """Takes mails while entered.

    Attributes:
        port: Where it listens.
        mails: What came, oldest first.
    """

    def __init__(self, port: int) -> None:
        """Describe it; nothing is started yet."""
        self.port = port
        self.mails: list[EmailMessage] = []
        self._server = Controller(self, hostname=HOST, port=port, ready_timeout=10.0)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """Keep a mail."""
        if len(self.mails) >= MOST:
            return "452 the sink is full"
        self.mails.append(message_from_bytes(envelope.content, policy=default))
        return "250 kept"

    async def received(self, count: int, timeout: float) -> list[EmailMessage]:
        """Wait for mails; returns what came by then, also if it is less."""
        deadline = time.monotonic() + timeout
        # Polled: mails come in another thread.
        while len(self.mails) < count and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        return list(self.mails)

    def __enter__(self) -> MailSink:
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop()
