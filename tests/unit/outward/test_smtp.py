"""Mail against a real SMTP server on loopback."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from controller.errors import Refused, Unreachable
from controller.outward.smtp import SmtpConfig, SmtpMailer
from controller.ports.outbox import Mail

HERE = "127.0.0.1"
MAIL = Mail(
    message_id="abc@example.org",
    to="ada@example.net",
    subject="Grazie, Ada – a presto",
    text="Ciao Ada,\nperché no?\n",
    html="<p>Ciao Ada</p>",
    language="it",
    unsubscribe="https://calls.example.org/public/unsubscribe/" + "x" * 150,
)


class Clock:
    def now(self) -> datetime:
        return datetime(2026, 3, 2, 10, tzinfo=UTC)

    def monotonic(self) -> float:
        return 0.0


class Sink:
    """Keeps what it gets; answers as it is told."""

    def __init__(self) -> None:
        self.got: list[tuple[str, list[str], EmailMessage]] = []
        self.rcpt = "250 OK"
        self.data = "250 OK"
        self.hang = False

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.rcpt.startswith("2"):
            envelope.rcpt_tos.append(address)
        return self.rcpt

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.hang:
            await asyncio.sleep(30)
        if self.data.startswith("2"):
            message = message_from_bytes(envelope.content or b"", policy=default)  # type: ignore[arg-type]
            assert isinstance(message, EmailMessage)
            self.got.append((envelope.mail_from or "", envelope.rcpt_tos, message))
        return self.data


@asynccontextmanager
async def served(sink: Sink, **options: Any) -> AsyncIterator[int]:
    """The server, while entered; its port."""
    loop = asyncio.get_running_loop()
    make: Callable[[], SMTP] = lambda: SMTP(sink, hostname=HERE, loop=loop, **options)  # noqa: E731
    server = await loop.create_server(make, HERE, 0)
    with closing(server):
        yield server.sockets[0].getsockname()[1]
    await server.wait_closed()


def mailer(port: int, **more: Any) -> SmtpMailer:
    known: dict[str, Any] = {
        "host": HERE,
        "port": port,
        "tls": "none",
        "sender": "acme@example.org",
        "sender_name": "Acme, S.p.A.",
        "timeout": 5.0,
    }
    return SmtpMailer(SmtpConfig(**known | more), Clock())


async def test_a_mail_arrives_as_it_was_written() -> None:
    sink = Sink()
    async with served(sink) as port:
        await mailer(port, reply_to="info@example.org").send(MAIL)
    [(sender, recipients, message)] = sink.got
    assert (sender, recipients) == ("acme@example.org", ["ada@example.net"])
    assert message["Subject"] == MAIL.subject
    assert message["From"] == '"Acme, S.p.A." <acme@example.org>'
    assert message["Message-ID"] == "<abc@example.org>"
    assert message["Reply-To"] == "info@example.org"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Content-Language"] == "it"
    assert message["Date"] == "Mon, 02 Mar 2026 10:00:00 +0000"
    text, html = (message.get_body((kind,)) for kind in ("plain", "html"))
    assert text is not None
    assert html is not None
    assert text.get_content().replace("\r\n", "\n") == MAIL.text
    assert html.get_content().strip() == MAIL.html


async def test_one_click_unsubscribe_is_offered_in_headers_that_are_not_folded() -> None:
    sink = Sink()
    async with served(sink) as port:
        await mailer(port).send(MAIL)
    message = sink.got[0][2]
    assert message["List-Unsubscribe"] == f"<{MAIL.unsubscribe}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


async def test_a_mail_that_a_person_asked_for_has_no_unsubscribe_header() -> None:
    message = mailer(1).message(Mail(message_id="a@b", to="a@example.org", subject="x", text="y"))
    assert message["List-Unsubscribe"] is None
    assert message["List-Unsubscribe-Post"] is None
    assert not message.is_multipart()


async def test_a_subject_cannot_add_headers() -> None:
    mail = Mail(message_id="a@b", to="a@example.org", subject="x\r\nBcc: all@example.org", text="y")
    with pytest.raises(ValueError, match=r"linefeed|newline"):
        mailer(1).message(mail)


@pytest.mark.parametrize(
    ("rcpt", "data", "error", "words"),
    [
        ("550 no such user ada@example.net", "250 OK", Refused, "recipient: 550 no such user <address>"),
        ("450 try later", "250 OK", Unreachable, "recipient: 450 try later"),
        ("250 OK", "554 spam", Refused, "the mail: 554 spam"),
        ("250 OK", "451 try later", Unreachable, "the mail: 451 try later"),
    ],
)
async def test_a_servers_no_is_told_from_a_not_now(
    rcpt: str, data: str, error: type[Exception], words: str
) -> None:
    sink = Sink()
    sink.rcpt, sink.data = rcpt, data
    async with served(sink) as port:
        with pytest.raises(error) as caught:
            await mailer(port).send(MAIL)
    assert words in str(caught.value)
    assert "ada@example.net" not in str(caught.value)


async def test_a_server_that_hangs_is_unreachable_in_time() -> None:
    sink = Sink()
    sink.hang = True
    async with served(sink) as port:
        with pytest.raises(Unreachable):
            await mailer(port, timeout=0.2).send(MAIL)
    assert not sink.got


async def test_nobody_there_is_unreachable() -> None:
    async with served(Sink()) as port:
        pass
    with pytest.raises(Unreachable, match=f"{HERE}:{port}"):
        await mailer(port).send(MAIL)


# --- encrypted


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl to make a certificate with")
    folder = tmp_path_factory.mktemp("tls")
    key, made = folder / "key.pem", folder / "cert.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
    ]
    command += ["-keyout", str(key), "-out", str(made), "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", f"subjectAltName=IP:{HERE},DNS:localhost"]
    subprocess.run(command, check=True, capture_output=True, timeout=20)
    return made, key


def server_context(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


def known(login: str, password: str) -> Callable[..., AuthResult]:
    def check(server: object, session: object, envelope: object, mechanism: str, data: Any) -> AuthResult:
        fits = (data.login, data.password) == (login.encode(), password.encode())
        return AuthResult(success=fits, handled=False)

    return check


async def test_starttls_and_login(certificate: tuple[Path, Path]) -> None:
    sink = Sink()
    options: dict[str, Any] = {
        "tls_context": server_context(certificate),
        "require_starttls": True,
        "auth_required": True,
        "authenticator": known("acme", "secret"),
    }
    login: dict[str, Any] = {"tls": "starttls", "ca_file": certificate[0], "username": "acme"}
    async with served(sink, **options) as port:
        await mailer(port, password="secret", **login).send(MAIL)
        # Not this mail's fault: it is tried again, until somebody has put the password right.
        with pytest.raises(Unreachable) as caught:
            await mailer(port, password="wrong", **login).send(MAIL)
    assert len(sink.got) == 1
    assert "wrong" not in str(caught.value)


async def test_a_certificate_that_nobody_vouches_for_is_not_believed(certificate: tuple[Path, Path]) -> None:
    sink = Sink()
    async with served(sink, tls_context=server_context(certificate)) as port:
        with pytest.raises(Unreachable):
            await mailer(port, tls="starttls").send(MAIL)
    assert not sink.got


async def test_without_starttls_nothing_is_sent_in_clear() -> None:
    sink = Sink()
    async with served(sink) as port:
        with pytest.raises(Unreachable):
            await mailer(port, tls="starttls").send(MAIL)
    assert not sink.got
