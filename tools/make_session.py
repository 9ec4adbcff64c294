"""The moving picture of a terminal in README: ``make pictures`` writes docs/pictures/session.svg.

The commands run for real, in a pseudo-terminal, against a mail server of their own and with a moved clock. The SVG
moves by CSS alone, so it needs no script; for people who asked their system for less motion it shows its last screen.
"""

import os
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import accumulate, groupby
from pathlib import Path
from typing import TypeAlias

from tests.keyboard import in_a_terminal, until
from tests.smtp_server import ScriptedServer
from tests.workplace import Place, a_place

ROOT = Path(__file__).parent.parent
LIST = ROOT / "events" / "leden-voorbeeld.csv"
PICTURE = ROOT / "docs" / "pictures" / "session.svg"
EVENT = "directeurendag-2020"

COLUMNS, ROWS = 80, 24
_WIDE, _HIGH, _MARGIN = 8.43, 18, 16
_COLOURS = {"1": "#ffffff", "2": "#9aa4b2", "36": "#7cc7e8"}
# Those of the program, by their number in the palette of 256 (xterm).
_PALETTE = {"28": "#008700", "31": "#0087af", "130": "#af5f00", "133": "#af5faf", "160": "#d70000"}
_NUMBERED = re.compile(r"38;5;(\d+)")
_PLAIN = "#dfe3ea"
# A control sequence (ECMA-48), or one character.
_SIGN = re.compile(r"\x1b\[(?P<words>[?\d;]*)(?P<letter>[A-Za-z])|(?P<char>.)", re.DOTALL)
# The clock is moved for the picture alone; what is said about that is not part of it.
_OF_THE_CLOCK = (
    "MKWMAIL_NOW",
    "mkwmail-test.db",
    "Mail is really handed",
    "Mail was really handed",
    "De mail wordt echt",
    "De mail is echt",
)

Line: TypeAlias = tuple[tuple[str, str], ...]
"""Characters, each with its colour."""

Frame: TypeAlias = tuple[tuple[Line, ...], float]
"""The lines on a screen, and the seconds that they stay."""


@dataclass
class Screen:
    """The screen of a terminal: a row of (character, colour) for each line."""

    rows: list[list[tuple[str, str]]] = field(default_factory=lambda: [[]])
    row: int = 0
    column: int = 0
    colour: str = _PLAIN

    def write(self, text: str) -> None:
        """Take in what a program prints."""
        for sign in _SIGN.finditer(text):
            char = sign["char"]
            if char is None:
                self._control(sign["letter"], sign["words"])
            elif char == "\n":
                self.row += 1
                if self.row == len(self.rows):
                    self.rows.append([])
            elif char == "\r":
                self.column = 0
            else:
                line = self.rows[self.row]
                line += [(" ", _PLAIN)] * (self.column + 1 - len(line))
                line[self.column] = (char, self.colour)
                self.column += 1

    def _control(self, letter: str, words: str) -> None:
        if letter == "A":
            self.row = max(0, self.row - int(words or 1))
        elif letter == "K":
            self.rows[self.row] = []
        elif letter == "m":
            self.colour = next((_COLOURS[word] for word in reversed(words.split(";")) if word in _COLOURS), _PLAIN)
            if numbered := _NUMBERED.search(words):
                self.colour = _PALETTE.get(numbered[1], self.colour)

    def shown(self, rows: int | None = None) -> tuple[Line, ...]:
        """The last ``rows`` lines, or all; without those about the moved clock."""
        lines = [tuple(row) for row in self.rows]
        kept = [line for line in lines if not any(each in "".join(c for c, _ in line) for each in _OF_THE_CLOCK)]
        return tuple(kept if rows is None else kept[-rows:])


def _played(
    place: Place, session: Sequence[tuple[str, tuple[str, ...], tuple[str, str] | None, float]]
) -> Iterator[Frame]:
    """Yield (screen, seconds) for each thing that is typed or printed."""
    screen = Screen()
    for now, words, answer, seconds in session:
        shown = " ".join(("mkwmail", *words))
        screen.write("\x1b[36m$\x1b[0m ")
        for part in range(4, len(shown) + 4, 4):
            screen.write(shown[part - 4 : part])
            yield screen.shown(ROWS), 0.12
        screen.write("\r\n")
        environment = place.environment(now, MKWMAIL_LANG="en", MKWMAIL_FOLDER=str(place.folder), COLUMNS=str(COLUMNS))
        environment |= {"TERM": "xterm-256color", "PAGER": "cat"}
        for printed, stays in _run(place, words, answer, environment, seconds):
            screen.write(printed)
            yield screen.shown(ROWS), stays


def _run(
    place: Place, words: Sequence[str], answer: tuple[str, str] | None, environment: Mapping[str, str], seconds: float
) -> Iterator[tuple[str, float]]:
    """Yield (what is printed, how long it stays) of a command."""
    pid, terminal = in_a_terminal([sys.executable, "-m", "mkwmail", *words], environment, place.folder)
    if answer:
        question, typed = answer
        yield until(terminal, question), seconds
        os.write(terminal, f"{typed}\n".encode())
    yield until(terminal, None), seconds
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, words


def _line(line: Line, row: int) -> str:
    parts = []
    for colour, run in groupby(line, key=lambda each: each[1]):
        text = "".join(char for char, _colour in run)
        parts.append(f'<tspan fill="{colour}">{escape(text)}</tspan>')
    return f'<text x="{_MARGIN}" y="{_MARGIN + _HIGH * (row + 1)}" xml:space="preserve">{"".join(parts)}</text>'


def svg_of(frames: Sequence[Frame]) -> str:
    """Return the picture of screens, each with the seconds that it stays."""
    ends = list(accumulate(seconds for _screen, seconds in frames))
    whole = ends[-1]
    wide, high = COLUMNS * _WIDE + 2 * _MARGIN, ROWS * _HIGH + 2 * _MARGIN
    rules, groups = [], []
    for number, ((screen, _seconds), start, end) in enumerate(zip(frames, [0.0, *ends], ends, strict=False)):
        # Opacity changes at once: a step of a thousandth of the whole.
        first, last = 100 * start / whole, 100 * end / whole
        before = f"0%,{first:.3f}%{{opacity:0}}{first + 0.001:.3f}%" if number else "0%"
        rules.append(f"@keyframes f{number}{{{before},{last:.3f}%{{opacity:1}}{last + 0.001:.3f}%,100%{{opacity:0}}}}")
        rules.append(f"#f{number}{{animation:f{number} {whole:.2f}s infinite}}")
        lines = "".join(_line(line, row) for row, line in enumerate(screen) if line)
        groups.append(f'<g id="f{number}" opacity="{int(number == len(frames) - 1)}">{lines}</g>')
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide:.0f} {high:.0f}" role="img">',
            "<title>A terminal: mkwmail checks an event, sends its invitation, and shows who got it</title>",
            "<style>text{font:14px 'DejaVu Sans Mono',Menlo,Consolas,monospace}",
            *rules,
            "@media (prefers-reduced-motion:reduce){g{animation:none!important}}</style>",
            f'<rect width="{wide:.0f}" height="{high:.0f}" rx="8" fill="#1d2129"/>',
            *groups,
            "</svg>",
            "",
        )
    )


def main() -> None:
    """Write the picture."""
    with ScriptedServer() as server, tempfile.TemporaryDirectory() as folder:
        place = a_place(Path(folder) / "dagen", server.port)
        (place.folder / "leden.csv").write_bytes(LIST.read_bytes())
        question = ("To send 42 mails, type 42:", "42")
        session = (
            ("2020-02-17T09:00", ("check", EVENT), None, 5.0),
            ("2020-02-17T09:00", ("send", EVENT, "invitation"), question, 5.0),
            ("2020-02-17T09:30", ("status", EVENT), None, 6.0),
        )
        PICTURE.write_text(svg_of(list(_played(place, session))), encoding="utf-8")


if __name__ == "__main__":
    main()
