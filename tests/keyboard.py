"""Somebody at the keyboard: the real program in a pseudo-terminal, with answers typed as its questions come."""

import os
import select
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

_PATIENCE = 60.0


def in_a_terminal(
    command: Sequence[str], environment: Mapping[str, str], cwd: Path | None = None, size: tuple[int, int] | None = None
) -> tuple[int, int]:
    """Start a command in a pseudo-terminal; return its process id and the terminal's file descriptor.

    :param size: its columns and lines.
    """
    if sys.platform == "win32":
        pytest.skip("there are no pseudo-terminals on Windows")
    import pty

    pid, terminal = pty.fork()
    if pid == 0:
        # Ctrl-C has to reach it, also where the tests are run with that signal ignored, as behind a shell's `&`.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        if size:
            import fcntl
            import struct
            import termios

            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        if cwd:
            os.chdir(cwd)
        os.execve(command[0], list(command), dict(environment))
    return pid, terminal


def typed(
    command: Sequence[str],
    environment: Mapping[str, str],
    cwd: Path,
    answers: Sequence[tuple[str, str | Callable[[str], str]]],
    size: tuple[int, int] | None = None,
) -> tuple[int, str]:
    """Run a command in a terminal of 80 columns; (what it asks, what is typed) in turn. Exit code and screen.

    What is typed may depend on what is on the screen so far. With a ``size``, in columns and lines, it is a terminal
    with colours and a cursor that moves.
    """
    if size:
        kind = {"TERM": "xterm-256color"}
        environment = {name: value for name, value in environment.items() if name != "COLUMNS"}
    else:
        kind = {"TERM": "dumb", "COLUMNS": "80"}
    pid, screen = in_a_terminal(command, {**environment, **kind}, cwd, size)
    seen = ""
    for question, answer in answers:
        part = until(screen, question)
        seen += part
        os.write(screen, f"{answer if isinstance(answer, str) else answer(seen)}\n".encode())
    seen += until(screen, None)
    os.close(screen)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), seen.replace("\r\n", "\n")


def interrupted(screen: int) -> str:
    """Press Ctrl-C until the program ends, as a person does; return the output.

    Once may not be enough: Python does not notice a signal in the moment before it begins to wait for a line.
    """
    printed = ""
    ends = time.monotonic() + _PATIENCE
    while time.monotonic() < ends:
        os.write(screen, b"\x03")
        while select.select([screen], [], [], 1.0)[0]:
            try:
                data = os.read(screen, 65536)
            except OSError:  # Linux raises this if the other end is closed.
                data = b""
            if not data:
                return printed
            printed += data.decode(errors="replace")
    raise AssertionError(f"Ctrl-C did not end it; so far: {printed}")


def until(screen: int, question: str | None) -> str:
    """Return the output until a question has come, or to the end."""
    printed = b""
    ends = time.monotonic() + _PATIENCE
    while question is None or question.encode() not in printed:
        ready, _writable, _errors = select.select([screen], [], [], max(0.0, ends - time.monotonic()))
        assert ready, f"waited in vain for {question!r}; so far: {printed.decode(errors='replace')}"
        try:
            data = os.read(screen, 65536)
        except OSError:  # Linux raises this if the other end is closed.
            data = b""
        if not data:
            assert question is None, f"ended without {question!r}: {printed.decode(errors='replace')}"
            break
        printed += data
    return printed.decode(errors="replace")
