"""Leafing through the mails at a terminal, with keys."""

import os
import select
import time
from pathlib import Path

from tests.keyboard import in_a_terminal
from tests.workplace import a_place


class _Screen:
    """The real program in a pseudo-terminal, and what it has printed so far."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self._pid, self._terminal = in_a_terminal(command, {**environment, "TERM": "dumb"})

    def until(self, words: str) -> str:
        """Return the output up to these words."""
        printed = b""
        end = time.monotonic() + 60
        while words.encode() not in printed:
            assert select.select([self._terminal], [], [], end - time.monotonic())[0], printed.decode()
            printed += os.read(self._terminal, 65536)
        return printed.decode()

    def press(self, keys: str) -> None:
        os.write(self._terminal, keys.encode())

    def code(self) -> int:
        """The exit code, once it has ended."""
        while True:
            try:
                if not os.read(self._terminal, 65536):
                    break
            except OSError:  # Linux raises this if the program has ended.
                break
        os.close(self._terminal)
        return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])


def test_next_previous_search_and_quit(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    screen = _Screen(place.command("preview", "directeurendag-2020", "invitation"), place.environment())
    assert "Beste Kim" in screen.until("Mail 1 of 5")
    screen.press("n")
    assert "Beste Jan" in screen.until("Mail 2 of 5")
    screen.press("p")
    assert "Beste Kim" in screen.until("Mail 1 of 5")
    screen.press("/")
    screen.until("number:")
    screen.press("ruiter\n")
    assert "Beste Zoë" in screen.until("Mail 4 of 5")
    screen.press("q")
    assert screen.code() == 0


def test_a_mail_longer_than_the_screen_begins_at_its_head(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    for words in ((), ("--member", "kim")):
        command = place.command("preview", "directeurendag-2020", "uitnodiging", *words)
        screen = _Screen(command, place.environment(LC_ALL="nl_NL.UTF-8", LINES="20"))
        top = screen.until("spatie")
        assert "Directeurendag, 16 april 2020 om 13.00 uur: uitnodiging" in top
        assert "kim@woonstede.example.org" in top
        assert "Beste Kim" in top
        assert "Met vriendelijke groet" not in top
        assert top[top.index("Directeurendag") :].count("\n") < 20
        screen.press(" ")
        assert "Locatie:" in screen.until("Mail 1 van")
        screen.press("q")
        assert screen.code() == 0


def test_the_summary_comes_after_the_mails(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    screen = _Screen(place.command("preview", "directeurendag-2020", "invitation"), place.environment())
    assert "5 mails in" not in screen.until("Mail 1 of 5")
    screen.press("q")
    screen.until("5 mails in 1 variant")
    assert screen.code() == 0
