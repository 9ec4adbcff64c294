"""A keyring for the real program: as a system's, but in a file that a test names."""

import json
import os
from pathlib import Path

from keyring.backend import KeyringBackend


class FileRing(KeyringBackend):
    """Keeps everything in the file of RING."""

    priority = 5

    def _kept(self) -> dict[str, str]:
        path = Path(os.environ["RING"])
        kept: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
        return kept

    def get_password(self, service: str, username: str) -> str | None:
        return self._kept().get(f"{service} {username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        Path(os.environ["RING"]).write_text(json.dumps({**self._kept(), f"{service} {username}": password}))

    def delete_password(self, service: str, username: str) -> None:
        Path(os.environ["RING"]).write_text("{}")
