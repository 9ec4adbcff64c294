"""A progress bar on standard error: on a terminal only, for elsewhere it would be noise in a log."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from mkwmail.language import _
from mkwmail.report.terminal import Terminal, printable
from mkwmail.report.words import mails
from mkwmail.sending.delivery import Pause, Step


class Show(Protocol):
    """Shows how many are done, and of what where that changes."""

    def __call__(self, done: int, of_what: str = "") -> None: ...


@contextmanager
def progress_bar(terminal: Terminal, what: str, total: int) -> Iterator[Show]:
    """A bar for work of ``total`` parts; the block calls what it gets with how many are done, and of what."""
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
def delivery_progress(terminal: Terminal, total: int) -> Iterator[Callable[[Step | Pause], None]]:
    """A bar for a delivery: how far it is, and what it waits for."""
    with progress_bar(terminal, _("Sending"), total) as show:
        done = 0

        def hear(news: Step | Pause) -> None:
            nonlocal done
            if isinstance(news, Step):
                done = news.done
                show(done, _("Sending"))
                return
            words = {"until": f"{news.until:%H:%M:%S}", "reason": news.reason, "mails": mails(news.left)}
            show(done, _("Waiting until %(until)s: %(reason)s") % words)

        yield hear
