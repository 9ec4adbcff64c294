"""The scribe: a thread that writes into the ledger what delivery decides, each time in one durable transaction.

So the messages after these are prepared, and those before them submitted, while the disk is waited for.
"""

import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from mkwmail.ledger.ledger import Ledger
from mkwmail.ledger.records import Claim, Result, Round


@dataclass(frozen=True, slots=True)
class Entry:
    """How attempts ended, and what is claimed after them."""

    results: Sequence[Result]
    claims: Sequence[Claim]
    at: datetime


@dataclass(frozen=True, slots=True)
class Written:
    """An entry is durable; the numbers of its attempts, in the order of its claims."""

    attempts: Sequence[int]


@dataclass(frozen=True, slots=True)
class Unwritten:
    """Nothing of an entry is in the ledger, and why."""

    error: Exception


class Scribe:
    """Writes for one run. Of every entry it tells, in their order, whether it is written."""

    def __init__(self, ledger: Ledger, of: Round, tell: Callable[[Written | Unwritten], None]) -> None:
        self._ledger = ledger
        self._of = of
        self._tell = tell
        self._entries: queue.SimpleQueue[Entry | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="mkwmail-ledger")

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def write(self, entry: Entry) -> None:
        """Write this after all that it was given before."""
        self._entries.put(entry)

    def leave(self) -> None:
        """Write what is left, and end."""
        if self._thread.is_alive():
            self._entries.put(None)
            self._thread.join()

    def _work(self) -> None:
        while (entry := self._entries.get()) is not None:
            try:
                told: Written | Unwritten = Written(self._attempts(entry))
            except Exception as error:
                told = Unwritten(error)
            self._tell(told)

    def _attempts(self, entry: Entry) -> Sequence[int]:
        with self._ledger.together():
            if entry.results:
                self._ledger.record(entry.results, entry.at)
            return self._ledger.claim(self._of, entry.claims, entry.at) if entry.claims else ()
