"""The embedded server of a rehearsal: real SMTP on loopback.

It keeps every mail as a file to look at.
"""

import asyncio
import contextlib
import email.parser
import email.policy
import re
import socket
import threading
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from aiosmtpd.smtp import SMTP, Envelope, Session

from mkwmail.config.settings import Security, Smtp
from mkwmail.files import PRIVATE, make_folder, reason_of, set_mode
from mkwmail.i18n import _

_HOST = "127.0.0.1"
_KEPT = re.compile(r"\d{3,}-[a-z0-9-]+\.eml")
_LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class Received:
    """A mail that the embedded server took: its file and its envelope."""

    path: Path
    sender: str
    recipient: str


class RehearsalServer:
    """The server: it takes every message and keeps it in ``folder``.

    A file is named ``001-lilian-van-zandbrink.eml``, numbered in order of arrival. A context manager; the port is a
    free one on loopback. Mails that an earlier rehearsal left in the folder are removed; other files are left alone.
    Raises OSError if the folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._received: list[Received] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="mkwmail-rehearsal", daemon=True)
        self._socket: socket.socket | None = None
        self._server: asyncio.Server | None = None

    @property
    def received(self) -> tuple[Received, ...]:
        """The mails that it took so far, in order of arrival."""
        return tuple(self._received)

    @property
    def smtp(self) -> Smtp:
        """The settings that reach this server."""
        if self._socket is None:
            raise RuntimeError("the server is not running")
        return Smtp(host=_HOST, port=self._socket.getsockname()[1], security=Security.NONE)

    def __enter__(self) -> Self:
        # The mails have people's names and addresses in them.
        make_folder(self._folder, own=True)
        for path in self._folder.iterdir():
            if _KEPT.fullmatch(path.name):
                path.unlink()
        self._socket = socket.create_server((_HOST, 0))
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(self._socket), self._loop).result()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _listen(self, listening: socket.socket) -> None:
        self._server = await self._loop.create_server(self._protocol, sock=listening)

    def _protocol(self) -> SMTP:
        # No limit on size: a rehearsal is about the mails; `check --server` asks the real server for its limit.
        return SMTP(self, hostname="rehearsal.localhost", data_size_limit=None, loop=self._loop)

    async def _end(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        for task in others:
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep a message, one file for each recipient (aiosmtpd's hook)."""
        data = envelope.original_content or b""
        try:
            for recipient in envelope.rcpt_tos:
                self._keep(data, str(envelope.mail_from), recipient)
        except OSError as error:
            return "452 4.3.1 " + _("the mail cannot be stored: %(reason)s") % {"reason": reason_of(error)}
        return "250 2.0.0 kept"

    def _keep(self, data: bytes, sender: str, recipient: str) -> None:
        path = self._folder / f"{len(self._received) + 1:03d}-{_slug(_name_in(data) or recipient)}.eml"
        path.touch(mode=PRIVATE)
        set_mode(path)
        path.write_bytes(data)
        self._received.append(Received(path, sender, recipient))


def _name_in(data: bytes) -> str:
    """Return the name of the person to whom a mail is addressed, or empty."""
    headers = email.parser.BytesHeaderParser(policy=email.policy.default).parsebytes(data)
    addresses = getattr(headers["To"], "addresses", ())
    return str(addresses[0].display_name) if addresses else ""


def _slug(text: str) -> str:
    """Return text as a file name that is readable and safe everywhere.

    >>> _slug("Anaïs van 't Hof")
    'anais-van-t-hof'
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii").lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_LONGEST_NAME].strip("-") or "mail"
