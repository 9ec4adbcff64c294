"""A working folder for tests, and the real program run in it as its own process."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.zygote import a_zygote

ROOT = Path(__file__).parent.parent
EVENT = ROOT / "events" / "2020-04-16-directeurendag.yaml"
MOMENT = "2020-02-17T09:00"

HEADINGS = "voornaam;tussenvoegsel;achternaam;e-mail;organisatie;functie"
PEOPLE = (
    "Kim;;Verbeek;kim@woonstede.example.org;Woonstede;directeur",
    "Jan;de;Vries;jan@dehaven.example.org;De Haven;lid",
    "Els;van der;Ven;els@dehaven.example.org;De Haven;directeur",
    "Zoë;;Ruiter;zoe@tien.example.org;Tien;directeur",
    "Lou;'t;Hart;lou@elf.example.org;Elf;lid",
)


# Variables that Python reads only as it starts, too late for a process that runs already.
_READ_AT_START = {"PYTHONIOENCODING", "LC_ALL", "LC_MESSAGES", "LANG", "LANGUAGE", "PYTHONPATH"}


def is_root() -> bool:
    """Return whether this user may do everything: start servers, mount disks, write read-only files."""
    return sys.platform != "win32" and os.geteuid() == 0


@dataclass(frozen=True, slots=True)
class Ran:
    """How a run of the program ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The document on standard output."""
        read: dict[str, Any] = json.loads(self.out)
        return read


@dataclass(frozen=True, slots=True)
class Place:
    """A working folder with settings, an event and a list."""

    folder: Path

    def settings(self, port: int, more: str = "") -> None:
        self.write(
            "mkwmail.yaml",
            "association: MKW Platform\nsender: {name: Lilian van Zandbrink, email: secretaris@example.org}\nform: je\n"
            f"members: leden.csv\nsmtp: {{host: 127.0.0.1, port: {port}, security: none}}\n{more}",
        )

    def members(self, *rows: str, headings: str = HEADINGS) -> None:
        self.write("leden.csv", "\n".join((headings, *rows)) + "\n")

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "mkwmail", "--folder", str(self.folder), *words]

    def environment(self, now: str = MOMENT, **more: str) -> dict[str, str]:
        kept = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8", "COLUMNS": "100"}
        # Its own home: a test must not use a developer's files or keyring.
        own = {"HOME": str(self.folder / ".home"), "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
        return {**kept, **own, "MKWMAIL_NOW": now, **more}

    def run(self, *words: str, now: str = MOMENT, **environment: str) -> Ran:
        """Run the program to its end, with nobody at the keyboard."""
        chosen = self.environment(now, **environment)
        if environment.keys() & _READ_AT_START:
            done = subprocess.run(
                self.command(*words), env=chosen, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120
            )
            ran = Ran(done.returncode, done.stdout, done.stderr)
        else:
            with a_zygote() as zygote:
                ran = Ran(*zygote.run(("--folder", str(self.folder), *words), chosen))
        assert "Traceback" not in ran.err, ran.err
        return ran

    def killed(self, *words: str, started: Callable[[int], object], now: str = MOMENT, **environment: str) -> Ran:
        """Run the program until somebody who is told its process id, or its own end, ends it."""
        chosen = self.environment(now, **environment)
        with a_zygote() as zygote:
            return Ran(*zygote.run(("--folder", str(self.folder), *words), chosen, started))

    def send(self, *words: str, now: str = MOMENT) -> Ran:
        """``send`` the invitation, confirmed, as JSON."""
        return self.run("send", "directeurendag-2020", "invitation", "--yes", "--json", *words, now=now)


def a_place(folder: Path, port: int = 9) -> Place:
    """A working folder with the example event and five members."""
    place = Place(folder)
    place.settings(port)
    place.members(*PEOPLE)
    place.write(f"events/{EVENT.name}", EVENT.read_text(encoding="utf-8"))
    return place
