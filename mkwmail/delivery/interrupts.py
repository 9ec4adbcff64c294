"""Ctrl-C: the first finishes the message under way, the second does not."""

import queue
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Stop:
    """A person's request to stop.

    ``asked``: begin nothing new. ``at_once``: do not wait for the server either.
    """

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.at_once = threading.Event()

    def ask(self) -> None:
        """Ask to stop; asking again means at once."""
        if self.asked.is_set():
            self.at_once.set()
        self.asked.set()


@contextmanager
def interruptible() -> Iterator[Stop]:
    """Let Ctrl-C and SIGTERM ask a run to stop.

    Use it in the main thread, the only one that gets signals.
    """
    stop = Stop()
    signals: queue.SimpleQueue[bool] = queue.SimpleQueue()

    def listen() -> None:
        while signals.get():
            stop.ask()

    def handle(_number: int, _frame: FrameType | None) -> None:
        # Setting an Event here could deadlock: the main thread may be inside that Event's own lock.
        # SimpleQueue.put() may be called from a handler (docs.python.org, queue).
        signals.put(True)

    wanted = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, handle) for number in wanted}
    listener = threading.Thread(target=listen, name="mkwmail-stop", daemon=True)
    listener.start()
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signals.put(False)
        listener.join()
