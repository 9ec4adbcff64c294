"""News: what other threads report to the one that delivers, which waits for the network meanwhile."""

import contextlib
import queue
import socket
from collections.abc import Mapping
from typing import Generic, TypeVar

from mkwmail.sending.link import ready

T = TypeVar("T")


class News(Generic[T]):
    """Told by any thread; listened to by one."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[T] = queue.SimpleQueue()
        self._bell, self._rope = socket.socketpair()
        self._asleep = False

    def tell(self, news: T) -> None:
        """Report something, and wake who waits for it."""
        self._queue.put(news)
        if self._asleep:
            # Full: it has been rung often enough. Closed: nobody listens any more.
            with contextlib.suppress(OSError):
                self._rope.send(b"!", socket.MSG_DONTWAIT if hasattr(socket, "MSG_DONTWAIT") else 0)

    def take(self) -> list[T]:
        """All that was told since."""
        found: list[T] = []
        with contextlib.suppress(queue.Empty):
            while True:
                found.append(self._queue.get_nowait())
        return found

    def wait(self, connections: Mapping[int, bool], seconds: float) -> list[int]:
        """Wait for news, or for one of the connections (:func:`~mkwmail.sending.link.ready`); those that are ready."""
        self._asleep = True
        # Looked at only now: what is told from here on rings.
        found = ready({**connections, self._bell.fileno(): False}, 0 if not self._queue.empty() else seconds)
        self._asleep = False
        if self._bell.fileno() in found:
            self._bell.recv(4096)
        return [number for number in found if number != self._bell.fileno()]

    def close(self) -> None:
        """Nobody listens any more."""
        self._bell.close()
        self._rope.close()
