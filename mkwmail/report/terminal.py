"""The terminal: output, questions, progress and faults for the user.

Results go to standard output; questions, progress and announcements go to standard error, so that a file or pipe
gets only the result. Printed text is never read as markup, and control characters in text from elsewhere (a
server's reply, a name) never reach the terminal.
"""

import io
import json
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from getpass import getpass
from types import MappingProxyType
from typing import IO, TYPE_CHECKING, Any, Literal, Protocol

from rich.console import Console
from rich.table import Table
from rich.text import Text

from mkwmail.errors import Fault
from mkwmail.i18n import _, mails, ngettext

if TYPE_CHECKING:
    from mkwmail.delivery.run import Pause, Step

Style = Literal["", "bold", "dim", "good", "waiting", "warning", "bad", "doubt", "command"]

# The meaning of each colour. By number (xterm's 256 colours), because terminals choose the first sixteen
# themselves: these are as readable on white as on black (contrast 4 or more, WCAG 2 §1.4.3).
STYLES: Mapping[Style, str] = {
    "good": "color(28)",  # sent, done, ready: green
    "waiting": "color(31)",  # later, or for somebody's answer: blue
    "warning": "color(130)",  # for a person to look at: amber
    "bad": "color(160)",  # refused, faulty: red
    "doubt": "color(133)",  # perhaps sent: purple
    "command": "color(31) bold",  # to type
}


def printable(text: str) -> str:
    """Return the text without control characters except line ends and tabs.

    >>> printable("a\\x1b[31mb")
    'a?[31mb'
    """
    return "".join(c if c.isprintable() or c in "\n\t\xa0\xad" else "?" for c in text)


# A command or a crontab line is never broken, so that it can be copied: on a separate line and in a sentence.
_COMMAND = re.compile(r"\s+(→ )?(mkwmail |schtasks |\*/\d+ \* )")
_NAMED_COMMAND = re.compile(r"(?:(?<=[:?] )|(?<=`)|(?<= {2}))mkwmail [a-z][^`;(\n]*(?=$|[`;]| \()")
_JOINED = "\ue000"
# It is a command after a colon, an arrow or a backtick, and in a column of its own; it never ends with a full stop.
_TO_TYPE = re.compile(r"(?:[:?]\s+|→ |`|(?P<apart> {2}))(?P<command>mkwmail (?:--)?[a-z][^`;(\n]*)")

# The title, a blank line and the keys: the lines around a screen of a mail, two of which may be needed for the keys.
_AROUND = 4


def wrapped(text: str, width: int) -> list[str]:
    """Return lines of at most ``width`` characters, broken between words.

    Continuation lines are indented further.
    """
    lines: list[str] = []
    for line in text.split("\n"):
        if len(line) <= width or _COMMAND.match(line):
            lines.append(line)
            continue
        body = line.lstrip(" →")
        start = line[: len(line) - len(body)]
        # After an arrow, the next line starts below the text; elsewhere it must not look like another item of a list.
        indent = " " * (len(start) if "→" in start else len(start) + 2)
        lines += textwrap.wrap(
            _NAMED_COMMAND.sub(lambda found: found[0].replace(" ", _JOINED), body),
            width,
            initial_indent=start,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
    return [line.replace(_JOINED, " ") for line in lines]


def styled(text: str, style: Style = "") -> Text:
    """Return a text in a style, with the commands in it as commands."""
    shown = Text(text, STYLES.get(style, style))
    for found in _TO_TYPE.finditer(text):
        # In a wrapped sentence, space at the beginning of a line is only its indentation.
        continued = found["apart"] is not None and "\n" in text
        if not continued and not found["command"].endswith("."):
            shown.stylize(STYLES["command"], *found.span("command"))
    shown.highlight_regex(r"(?<=│) *\^$", STYLES["bad"])
    return shown


def column_widths(cells: Sequence[Sequence[str]], room: int) -> list[int]:
    """Return the widths of a table's columns, in characters.

    No column is narrower than its longest word. If the columns do not fit in ``room``, headings are broken first; then
    the column in which the fewest cells need another line.

    >>> column_widths([["one two"], ["abc"]], 7)
    [4, 3]
    """
    widths = [max(map(len, column), default=0) for column in cells]
    least = [max((len(word) for cell in column for word in cell.split()), default=0) for column in cells]
    below = [max(map(len, column[1:]), default=0) for column in cells]

    def cost(index: int) -> tuple[int, int]:
        broken = sum(len(cell) >= widths[index] for cell in cells[index][1:])
        return (0 if widths[index] > below[index] else broken, least[index] - widths[index])

    while sum(widths) > room:
        narrowable = [index for index, width in enumerate(widths) if width > least[index]]
        if not narrowable:
            break
        widths[min(narrowable, key=cost)] -= 1
    return widths


_INDENT = 2


def _fitted(cells: Sequence[Sequence[str]], width: int) -> tuple[list[int], int]:
    """Return the widths of a table's columns, and the spaces between them: two, or one if the words need the room.

    Rich cuts off what does not fit, so long words are broken in the end.
    """
    for gap in (2, 1):
        room = width - gap * (len(cells) - 1)
        widths = column_widths(cells, room)
        if sum(widths) <= room:
            break
    while sum(widths) > room and max(widths) > 1:
        widths[widths.index(max(widths))] -= 1
    return widths, gap


class Terminal:
    """Standard output and standard error for people.

    It uses colours only if the user wants them (NO_COLOR).
    """

    def __init__(self) -> None:
        self._out = Console(markup=False, highlight=False, emoji=False)
        self._err = Console(markup=False, highlight=False, emoji=False, stderr=True)
        self._blank = True  # true if the last line of the result is blank, or there is no line yet

    @property
    def interactive(self) -> bool:
        """True if the user can be asked: standard input and error are terminals."""
        return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()

    @property
    def leafable(self) -> bool:
        """True if the user reads the result at a terminal and can press a key."""
        return self.interactive and self._out.is_terminal

    @property
    def height(self) -> int:
        """The number of lines on the screen."""
        return self._out.height

    @property
    def draws(self) -> bool:
        """True if results may hold block characters."""
        try:
            "█░".encode(self._out.encoding)
        except (UnicodeEncodeError, LookupError):
            return False
        return True

    @property
    def errors(self) -> Console:
        """The console of standard error, for the progress bar."""
        return self._err

    def beside(self) -> "Terminal":
        """Return a terminal that prints results on standard error too.

        It is for text that people read while a program reads standard output.
        """
        aside = Terminal()
        aside._out = self._err
        return aside

    def drawn(self, show: Callable[["Terminal"], None]) -> list[str]:
        """Return the lines, with their colours, that ``show`` would print here."""
        text = io.StringIO()
        page = Terminal()
        page._out = _console_like(self._out, text)
        show(page)
        return text.getvalue().splitlines()

    def overflows(self, lines: Sequence[str]) -> bool:
        """True if the screen cannot show all these lines and a title."""
        return len(lines) > self._out.height - _AROUND

    def show_screen(self, lines: Sequence[str]) -> Sequence[str]:
        """Print as many drawn lines as fit on the screen, with room for a title and the keys; return the others."""
        count = max(1, self._out.height - _AROUND)
        self._out.file.write("".join(f"{line}\n" for line in lines[:count]))
        self._out.file.flush()
        self._blank = False
        return lines[count:]

    def say(self, text: str = "", style: Style = "") -> None:
        """Print a line of the result."""
        self._print(self._out, text, style)

    def gap(self) -> None:
        """Print a blank line in the result, unless there is one or nothing yet."""
        if not self._blank:
            self.say()

    def note(self, text: str = "", style: Style = "") -> None:
        """Print a line on standard error, apart from the result."""
        self._print(self._err, text, style)

    @contextmanager
    def paged(self) -> Iterator[None]:
        """Show the result of the block with its head first, in the user's pager if it is longer than the screen.

        Only at a terminal, and as git does: the pager is the command in PAGER, else ``less`` with LESS=FRX.
        """
        pager = _pager() if self.leafable else ""
        if not pager:
            yield
            return
        screen = self._out
        pages = io.TextIOWrapper(io.BytesIO(), encoding=screen.encoding, errors="replace", newline="\n")
        self._out = _console_like(screen, pages)
        try:
            yield
        finally:
            self._out = screen
            pages.flush()
            data = pages.buffer.getvalue()
            if data.count(b"\n") >= screen.height:
                _leaf(pager, data)
            else:
                self.raw(data)

    def _print(self, console: Console, text: str, style: Style) -> None:
        # In a file each sentence is one line; at a terminal lines are broken between words.
        lines = wrapped(printable(text), console.width) if console.is_terminal else [printable(text)]
        console.print(styled("\n".join(lines), style), soft_wrap=True)
        if console is self._out:
            self._blank = not text

    def facts(self, rows: Sequence[tuple[str, str]]) -> None:
        """Print names with values, one per line; long values wrap in their column."""
        grid = Table.grid(padding=(0, 2), pad_edge=False)
        grid.add_column(no_wrap=True)
        grid.add_column(overflow="fold")
        for name, value in rows:
            grid.add_row(Text(f"  {name}", "dim"), Text(printable(value)))
        self._show(grid)

    def table(
        self,
        headings: Sequence[str],
        rows: Sequence[Sequence[str]],
        numbers: int = 0,
        styles: Mapping[str, Style] = MappingProxyType({}),
    ) -> None:
        """Print a table, indented by two spaces.

        The last ``numbers`` columns are aligned to the right. ``styles``: heading → style of its column's cells.
        """
        first_number = len(headings) - numbers
        shown = [[printable(cell) for cell in row] for row in rows]
        columns = [[heading, *cells] for heading, *cells in zip(headings, *shown, strict=True)]
        widths, gap = _fitted(columns, self._out.width - _INDENT)
        table = Table(box=None, padding=(0, gap, 0, 0), pad_edge=False, header_style="dim", show_edge=False)
        table.add_column("", width=_INDENT - gap)
        for index, (heading, width) in enumerate(zip(headings, widths, strict=True)):
            is_number = index >= first_number
            style = STYLES.get(styles.get(heading, ""), "")
            justify: Literal["left", "right"] = "right" if is_number else "left"
            table.add_column(Text(heading), justify=justify, overflow="fold", width=width, style=style)
        for row in shown:
            table.add_row("", *map(Text, row))
        self._show(table)

    def _show(self, table: Table) -> None:
        """Print a table without the trailing spaces that rich adds."""
        with self._out.capture() as captured:
            self._out.print(table)
        lines = captured.get().split("\n")
        self._out.file.write("\n".join(line.rstrip() for line in lines))
        self._blank = False

    def document(self, value: Mapping[str, Any]) -> None:
        """Write a JSON document (RFC 8259) to standard output.

        It is in UTF-8, whatever the locale.
        """
        self.raw(json.dumps(value, ensure_ascii=False, indent=2).encode() + b"\n")

    def raw(self, data: bytes) -> None:
        """Write bytes to standard output, unchanged."""
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()

    def ask(self, question: str) -> str:
        """Ask a question and return the trimmed answer; empty at end of file."""
        lines = wrapped(printable(question), self._err.width - len(" yes"))
        try:
            self._err.print(Text("\n".join(lines)), end=" ", soft_wrap=True)
            return input().strip()
        except EOFError:
            self.note()
            return ""
        except KeyboardInterrupt:
            self.note()  # so that the shell's prompt begins on a line of its own
            raise

    def ask_unseen(self, question: str) -> str:
        """Ask a question and return the answer, which does not show.

        The answer is not trimmed; it is empty at end of file.
        """
        try:
            return getpass(f"{printable(question)} ")
        except EOFError:
            self.note()
            return ""
        except KeyboardInterrupt:
            self.note()
            raise


def _console_like(screen: Console, file: IO[str]) -> Console:
    """Return a console with the width and the colours of a screen that prints into a file."""
    # rich types what it returns as color_system more loosely than what it takes.
    return Console(
        file=file,
        force_terminal=screen.is_terminal,
        width=screen.width,
        height=screen.height,
        color_system=screen.color_system if not screen.no_color else None,  # type: ignore[arg-type]
        markup=False,
        highlight=False,
        emoji=False,
    )


def _pager() -> str:
    """Return the command of the user's pager; empty if there is none."""
    chosen = os.environ.get("PAGER")
    if chosen is not None:
        return "" if chosen.strip() == "cat" else chosen.strip()
    # A pager needs a terminal on which it can move.
    movable = os.environ.get("TERM", "dumb") != "dumb" and sys.platform != "win32"
    return "less" if movable and shutil.which("less") else ""


def _leaf(pager: str, data: bytes) -> None:
    """Give a result to the pager, and wait until the user leaves it."""
    import signal
    import subprocess

    sys.stdout.flush()
    # Ctrl-C is for the pager, which may only stop searching.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        subprocess.run(pager, shell=True, input=data, check=False, env={"LESS": "FRX", "LV": "-c", **os.environ})
    finally:
        signal.signal(signal.SIGINT, before)


def read_key() -> str:
    """Wait for a key and return its character; empty at end of file.

    :raises KeyboardInterrupt: on Ctrl-C.
    """
    if sys.platform == "win32":
        import msvcrt

        key = msvcrt.getwch()
    else:
        import termios
        import tty

        keyboard = sys.stdin.fileno()
        before = termios.tcgetattr(keyboard)
        try:
            # Pending input is not flushed: a key that was pressed before counts.
            tty.setcbreak(keyboard, termios.TCSADRAIN)
            key = sys.stdin.read(1)
        finally:
            termios.tcsetattr(keyboard, termios.TCSADRAIN, before)
    if key == "\x03":
        raise KeyboardInterrupt
    return key


def is_handed_to(server: str) -> str:
    """Return the warning that mail is sent although the clock is shifted."""
    return _("Mail is really handed to %(server)s, which may deliver it.") % {"server": server}


def was_handed_to(server: str) -> str:
    """Return the warning that mail was sent although the clock was shifted."""
    return _("Mail was really handed to %(server)s, which may deliver it.") % {"server": server}


def duration(length: timedelta) -> str:
    """Return a duration in words, rounded up: ``2 minutes``.

    From ninety minutes on it is in hours: ``3 hours``.
    """
    minutes = max(1, -(-int(length.total_seconds()) // 60))
    if minutes < 90:
        return ngettext("%(n)d minute", "%(n)d minutes", minutes) % {"n": minutes}
    hours = -(-minutes // 60)
    return ngettext("%(n)d hour", "%(n)d hours", hours) % {"n": hours}


class Show(Protocol):
    """A function that shows how many parts are done.

    ``of_what`` replaces the bar's description, if it is not empty.
    """

    def __call__(self, done: int, of_what: str = "") -> None: ...


@contextmanager
def progress_bar(terminal: Terminal, what: str, total: int) -> Iterator[Show]:
    """Show a progress bar for work of ``total`` parts.

    The block gets a function; it calls it with the number of finished parts and, if that changes, a description.
    """
    if not terminal.errors.is_terminal or terminal.errors.is_dumb_terminal:
        yield lambda done, of_what="": None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        *(BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()),
    )
    with Progress(*columns, console=terminal.errors, transient=True) as progress:
        task = progress.add_task(what, total=total)

        def show(done: int, of_what: str = "") -> None:
            progress.update(task, completed=done, description=printable(of_what or what))

        yield show


@contextmanager
def delivery_progress(terminal: Terminal, total: int) -> "Iterator[Callable[[Step | Pause], None]]":
    """Show a progress bar for a delivery, and why it waits."""
    from mkwmail.delivery.run import Step

    with progress_bar(terminal, _("Sending"), total) as show:
        done = 0

        def hear(news: "Step | Pause") -> None:
            nonlocal done
            if isinstance(news, Step):
                done = news.done
                show(done, _("Sending"))
                return
            words = {"until": f"{news.until:%H:%M:%S}", "reason": news.reason, "mails": mails(news.left)}
            show(done, _("Waiting until %(until)s: %(reason)s") % words)

        yield hear


def fault_lines(faults: Iterable[Fault]) -> Iterator[str]:
    """Yield each fault as lines: place and sentence, the file's own line with a mark, then the remedy."""
    for fault in faults:
        yield f"{fault.place}: {fault.fault}" if fault.place else fault.fault
        if fault.line and (found := _LINE_AND_COLUMN.search(fault.place)):
            yield from _marked_line(fault.line, found["line"], int(found["column"]))
            if written := _in_its_place(fault.remedy, fault.line):
                yield f"    {'':{len(found['line'])}} → {written}"
                continue
        for index, line in enumerate(fault.remedy.splitlines()):
            yield f"    {'→' if index == 0 else ' '} {line}"


_LINE_AND_COLUMN = re.compile(r":(?P<line>\d+):(?P<column>\d+)$")
_TAB = "\t"
_MOST_OF_A_LINE = 66  # characters: with its number it fits in 80


def _marked_line(line: str, number: str, column: int) -> Iterator[str]:
    """Yield a line of a file and the mark below its column; of a long line, the part around it."""
    # A tab, and the space that looks like one and is none, are seen as what they are.
    shown = line.rstrip().replace(_TAB, "→").replace("\xa0", "⍽")
    at = min(column - 1, len(shown))
    if len(shown) > _MOST_OF_A_LINE:
        cut = max(0, min(at - _MOST_OF_A_LINE // 2, len(shown) - _MOST_OF_A_LINE))
        before, after = "…" if cut else "", "…" if cut + _MOST_OF_A_LINE < len(shown) else ""
        shown = f"{before}{shown[cut : cut + _MOST_OF_A_LINE].rstrip()}{after}"
        at += len(before) - cut
    yield f"    {number} │ {shown}"
    yield f"    {'':{len(number)}} │ {'':{at}}^"


def _in_its_place(remedy: str, line: str) -> str:
    """Return the line to write instead of another one, indented as it must be; empty if the remedy is not a line."""
    if remedy[:1] == " ":
        return remedy
    if "\n" in remedy or not _key(remedy) or _key(remedy) != _key(line):
        return ""
    return line[: len(line) - len(line.lstrip())].replace(_TAB, "  ") + remedy


def _key(line: str) -> str:
    """Return the key with which a line begins; empty if there is none."""
    found = re.match(r"\s*(?:- )?([\w-]+):", line)
    return found[1] if found else ""


def fault_values(faults: Iterable[Fault]) -> list[dict[str, str]]:
    """Return the faults for a JSON document."""
    return [{"place": fault.place, "fault": fault.fault, "remedy": fault.remedy} for fault in faults]
