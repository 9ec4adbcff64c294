"""Somebody at a desk: a working folder, a mail server and a provider, and the real program."""

from pathlib import Path
from typing import Any

from tests.authorization_server import AuthorizationServer
from tests.keyboard import typed
from tests.smtp_server import ScriptedServer
from tests.workplace import Ran, a_place

EVENT = "directeurendag-2020"
PASSWORD = "Zeer-geheim!7"


class Desk:
    """Somebody with a working folder, a mail server and a provider."""

    def __init__(self, folder: Path, server: ScriptedServer, provider: AuthorizationServer, trusted: Path) -> None:
        self.place = a_place(folder / "map", server.port)
        self.server = server
        self.provider = provider
        self.trusted = {"SSL_CERT_FILE": str(trusted)}
        self.settings(provider.settings())

    def settings(self, sign_in: str, more: str = "") -> None:
        self.place.settings(self.server.port, more)
        text = (self.place.folder / "mkwmail.yaml").read_text(encoding="utf-8")
        self.place.write("mkwmail.yaml", text.replace("security: none", f"security: starttls, {sign_in}"))

    def run(self, *words: str, **environment: str) -> Ran:
        ran = self.place.run(*words, **{**self.trusted, **environment})
        self.shows_nothing(ran.out + ran.err)
        return ran

    def type(self, *words: str, answers: list[tuple[str, Any]], **environment: str) -> tuple[int, str]:
        chosen = {**self.place.environment(), **self.trusted, **environment}
        code, screen = typed(self.place.command(*words), chosen, self.place.folder, answers)
        self.shows_nothing(screen)
        return code, screen

    def send(self) -> Ran:
        return self.run("send", EVENT, "invitation", "--yes")

    def shows_nothing(self, text: str) -> None:
        secrets = [*self.provider.issued, *self.provider.refreshed, PASSWORD]
        assert [secret for secret in secrets if secret in text] == []
        assert "Traceback" not in text

    def kept(self) -> Path | None:
        """The file in which the login is."""
        return next((self.place.folder / ".home").rglob("logins/*.json"), None)
