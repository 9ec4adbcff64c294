"""An IMAP server on loopback that says what a test wants, right or wrong.

with ImapServer({"FETCH": b"* BYE sorry\\r\\n"}) as server:
    ...
    server.asked  # the commands that came, without their arguments
    server.tokens  # with which somebody logged in
"""

import base64
import re
import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import Self

from tests.workplace import Place

USUAL = {
    "CAPABILITY": b"* CAPABILITY IMAP4rev1 AUTH=XOAUTH2\r\nTAG OK done\r\n",
    "AUTHENTICATE": b"TAG OK welcome\r\n",
    "LOGIN": b"TAG OK welcome\r\n",
    "EXAMINE": b"* FLAGS ()\r\n* 1 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 10] x\r\nTAG OK done\r\n",
    "SEARCH": b"* SEARCH 9\r\nTAG OK done\r\n",
    "LIST": b"TAG OK done\r\n",
    "LOGOUT": b"* BYE\r\nTAG OK done\r\n",
}


class ImapServer:
    """A mailbox with one mail, whose UID is 9. ``says``: command → what it answers; TAG is the command's tag.

    An answer that does not hold TAG ends the connection. ``slow``: the command (or GREETING) that it answers one
    character at a time, without end.
    """

    def __init__(self, says: Mapping[str, bytes], slow: str = "") -> None:
        self.says = {**USUAL, **says}
        self.slow = slow
        self.greets_after = 0.0  # seconds
        self.asked: list[str] = []
        self.tokens: list[str] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self._server.settimeout(0.1)
        self.port = int(self._server.getsockname()[1])
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        self._server.close()

    def settings(self, place: Place) -> str:
        """Write the password's file, and return the lines for mkwmail.yaml."""
        file = place.folder / "wachtwoord"
        file.write_text("x\n")
        file.chmod(0o600)
        login = "username: x, password_file: wachtwoord"
        return f"mailbox: {{host: 127.0.0.1, port: {self.port}, security: none, {login}}}\n"

    def _serve(self) -> None:
        while not self._ended.is_set():
            try:
                there, _address = self._server.accept()
            except TimeoutError:
                continue
            # A client that waited long enough goes away.
            with there, suppress(ConnectionError):
                self._talk(there)

    def _talk(self, there: socket.socket) -> None:
        there.settimeout(30)
        if self.slow == "GREETING":
            self._drip(there)
        self._ended.wait(self.greets_after)
        there.sendall(b"* OK hello\r\n")
        with there.makefile("rb") as lines:
            for line in lines:
                tag, *words = line.split()
                name = (words[1] if words[0] == b"UID" else words[0]).decode()
                self.asked.append(name)
                if name == self.slow:
                    self._drip(there)
                answer = self.says[name]
                if name == "AUTHENTICATE":
                    there.sendall(b"+ \r\n")
                    self.tokens += re.findall(r"auth=Bearer ([^\1]+)", base64.b64decode(lines.readline()).decode())
                if name == "FETCH" and b"BODY.PEEK[]" in line:
                    answer = self.says["FETCH BODY"]
                elif name == "FETCH" and b"BODYSTRUCTURE" not in line:
                    answer = self.says.get("FETCH WITHOUT", answer)
                there.sendall(answer.replace(b"TAG", tag))
                if name == "LOGOUT" or b"TAG" not in answer:
                    return

    def _drip(self, there: socket.socket) -> None:
        while not self._ended.wait(0.05):
            there.sendall(b"*")
