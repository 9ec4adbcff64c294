"""The wire journal: bodies and replies since the ledger's last commit.

A line is appended before each body and after each reply, by one system call and without waiting for the disk:
the kernel keeps it when the process dies, and only a power cut loses it. So after a kill, a claim without an
entry has certainly no body begun, and the replies in it are final. The head has the id of the boot: after
another boot a missing line proves nothing, but an existing one is still true, because the number of an attempt
is never used twice.
"""

import json
import os
import secrets
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from mkwmail.files import set_mode
from mkwmail.ledger.database import PRIVATE, cannot_write, file_id, int_or_none, moment_or_none
from mkwmail.ledger.models import ENDS, Result, State, moment_text

_FORMAT = "mkwmail-wire-1"


@dataclass(frozen=True, slots=True)
class Journal:
    """A wire journal that a run left.

    ``nonce`` identifies it, and is stored with the claims that were made under it. ``last`` is the newest attempt in
    the ledger when the journal was begun. ``whole``: every line could be read.
    """

    ledger: str
    nonce: str
    boot: str
    last: int
    bodies: frozenset[int] = frozenset()
    replies: dict[int, Result] = field(default_factory=dict)
    whole: bool = True

    @property
    def newest(self) -> int:
        """The newest attempt in it."""
        return max(self.last, *self.bodies, *self.replies, 0)

    def proves_unbegun(self, attempt: int, nonce: str | None, boot: str) -> bool:
        """Check whether the body of this attempt was certainly not begun."""
        return self.whole and nonce == self.nonce and boot == self.boot and attempt not in self.bodies

    def reply_to(self, attempt: int, nonce: str | None) -> Result | None:
        """Return the end of the attempt, if it was recorded, or None."""
        return self.replies.get(attempt) if nonce == self.nonce else None


class Wire:
    """A journal that a run writes. Safe to use from several threads."""

    def __init__(self, path: Path, descriptor: int, nonce: str) -> None:
        self.nonce = nonce
        self._path = path
        self._descriptor = descriptor
        self._file = file_id(descriptor)
        self._turn = threading.Lock()

    @property
    def is_in_place(self) -> bool:
        """Check that the file was not deleted or replaced: the next run finds it."""
        return self._file is not None and self._file.is_at(self._path)

    def body(self, attempt: int) -> None:
        """Record that the body of this attempt is begun.

        Call it before the first byte is written.
        """
        self._append(f"body {attempt}\n")

    def reply(self, result: Result) -> None:
        """Record the end of an attempt; call it once the deciding reply is read."""
        not_before = moment_text(result.not_before) if result.not_before else None
        entry = [result.attempt, result.state.value, result.code, result.reason, not_before]
        # Escaped to ASCII: no line end in it, and no half character at a torn end.
        self._append(f"reply {json.dumps(entry)}\n")

    def close(self) -> None:
        """Stop writing; the file stays for the next run, which settles by it."""
        with self._turn:
            # A socket may get the same number next: a late thread must not write there.
            descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def _append(self, line: str) -> None:
        data = line.encode("ascii")
        try:
            with self._turn:
                written = os.write(self._descriptor, data)
                if written != len(data):
                    # End the torn line, so that it spoils only itself: the journal is then not whole.
                    os.write(self._descriptor, b"\n")
                    raise OSError(None, "no space left")
        except OSError as error:
            raise cannot_write(self._path, error) from error


def begin(path: Path, ledger: str, boot: str, last: int) -> Wire:
    """Start a new journal in place of the old one.

    Everything in the old one must be durable in the ledger.
    """
    nonce = secrets.token_hex(8)
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags, PRIVATE)
        set_mode(path)
        os.write(descriptor, f"{_FORMAT} {json.dumps([ledger, nonce, boot, last])}\n".encode("ascii"))
        os.fsync(descriptor)
    except OSError as error:
        raise cannot_write(path, error) from error
    return Wire(path, descriptor, nonce)


def read(path: Path) -> Journal | None:
    """Return the journal that a run left.

    None if there is none, or if its head cannot be read.
    """
    try:
        text = path.read_bytes().decode("ascii", "replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise cannot_write(path, error) from error
    lines, _end, _torn = text.rpartition("\n")
    head, *entries = lines.split("\n")
    try:
        marker, _space, fields = head.partition(" ")
        ledger, nonce, boot, last = json.loads(fields)
        if marker != _FORMAT:
            return None
        journal = Journal(str(ledger), str(nonce), str(boot), int(last))
    except (ValueError, TypeError):
        return None
    # A torn last line is ignored: a body begins only after its line was written.
    return _with_entries(journal, entries)


def _with_entries(head: Journal, entries: Iterable[str]) -> Journal:
    bodies: set[int] = set()
    replies: dict[int, Result] = {}
    whole = True
    for entry in entries:
        word, _space, fields = entry.partition(" ")
        try:
            if word == "body":
                bodies.add(int(fields))
            elif word == "reply":
                result = _result(fields)
                replies[result.attempt] = result
            else:
                whole = False
        except (ValueError, TypeError):
            whole = False
    return Journal(head.ledger, head.nonce, head.boot, head.last, frozenset(bodies), replies, whole)


def _result(fields: str) -> Result:
    attempt, word, code, reason, not_before = json.loads(fields)
    state = State(word)
    if state not in ENDS:
        raise ValueError(f"{word} is no end of an attempt")
    return Result(int(attempt), state, int_or_none(code), str(reason), moment_or_none(not_before))
