"""The crew: the workers of a run, what each is doing, and when a lost connection is opened again."""

import queue
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from operator import itemgetter

from mkwmail.clock import Clock
from mkwmail.errors import UserError
from mkwmail.ledger.wire import Wire
from mkwmail.sending.run_fault import RunFault
from mkwmail.sending.stop import Stop
from mkwmail.sending.submission import NoSessionError
from mkwmail.sending.worker import Connect, Ended, Event, Ready, Replied, Task, Worker

_RECONNECT = (timedelta(seconds=1), timedelta(seconds=10), timedelta(seconds=60))
_MOST_AHEAD = 64  # messages of the whole crew that a power cut may leave in doubt
_LAST_WORDS = 5.0  # seconds in which workers take leave of the server


class _Seat(Enum):
    COMING = "coming"  # will say soon that it is ready, or that its session has ended
    READY = "ready"
    BUSY = "busy"
    AWAY = "away"  # its connection is opened again at a moment
    GONE = "gone"


@dataclass(eq=False, slots=True)
class _Place:
    worker: Worker
    seat: _Seat = _Seat.COMING
    failures: int = 0  # in a row, without a reply that shows progress
    queued: int = 0  # messages that were handed to it and have no reply yet
    depth: int = 1  # how many it may have so
    left: int | None = None  # how many more its session may carry
    accepts: bool = False  # the server took a message of it since it last lost its connection
    again: datetime | None = None


class Crew:
    """All workers of a run. Used by delivery's thread alone."""

    def __init__(self, connect: Connect, wire: Wire, clock: Clock, per_connection: int | None, stop: Stop) -> None:
        self.events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self.problem: RunFault | None = None  # why the last connection could not be opened, or was lost
        self._parts = (connect, wire, clock, self.events, per_connection, stop)
        self._places: dict[Worker, _Place] = {}
        self._served = False

    def start(self, connections: int) -> None:
        """Let so many workers connect."""
        for _each in range(connections):
            worker = Worker(*self._parts)
            self._places[worker] = _Place(worker)
            worker.start()

    @property
    def wants(self) -> list[Worker]:
        """Who wants a message, as often as it wants one, in the order in which they are served."""
        turns = []
        for place in self._places.values():
            if place.seat in (_Seat.READY, _Seat.BUSY):
                room = place.depth - place.queued
                most = room if place.left is None else min(room, place.left)
                turns += [(place.queued + turn, place.worker) for turn in range(most)]
        return [worker for _turn, worker in sorted(turns, key=itemgetter(0))]

    @property
    def idle(self) -> bool:
        """Whether somebody has a session and nothing to do."""
        return any(place.seat is _Seat.READY for place in self._places.values())

    @property
    def active(self) -> bool:
        """Whether anybody will have something to say without being told anything."""
        return any(place.seat in (_Seat.COMING, _Seat.BUSY) or place.queued for place in self._places.values())

    @property
    def gone(self) -> bool:
        """Whether no connection is left."""
        return all(place.seat is _Seat.GONE for place in self._places.values())

    @property
    def again(self) -> datetime | None:
        """When the next lost connection is to be opened again."""
        moments = [place.again for place in self._places.values() if place.seat is _Seat.AWAY and place.again]
        return min(moments, default=None)

    def hand(self, worker: Worker, task: Task) -> None:
        """Give a worker that wants one a message."""
        place = self._places[worker]
        place.seat = _Seat.BUSY
        place.queued += 1
        if place.left is not None:
            place.left -= 1
        worker.hand(task)

    def take(self, event: Event, now: datetime) -> None:
        """Note where a worker stands after what it reported."""
        place = self._places[event.worker]
        match event:
            case Ready(left=left):
                place.seat = _Seat.READY
                place.left = left
                # It stood still for want of messages. Before one was taken, nobody knows whether the server takes any.
                if place.accepts:
                    place.depth = min(2 * place.depth, max(1, _MOST_AHEAD // len(self._places)))
                self._served = True
                self.problem = None
            case Replied():
                place.queued -= 1
                if place.seat is _Seat.BUSY and not place.queued:
                    place.seat = _Seat.COMING
            case Ended(spent=True):
                # Opened again at once, but only where somebody is still waiting.
                place.seat = _Seat.AWAY
                place.again = now.astimezone(UTC)
            case Ended():
                self._lost(place, event.error, now)

    def progressed(self, worker: Worker) -> None:
        """The server took a message of this worker, or refused it in so many words: the line is good."""
        self._places[worker].failures = 0

    def accepted(self, worker: Worker) -> None:
        """The server took a message of this worker: more can be handed to it ahead."""
        self._places[worker].accepts = True

    def faltered(self, worker: Worker) -> None:
        """The worker's connection was lost so badly that it counts twice: each loss leaves one in doubt."""
        self._places[worker].failures += 1

    def reconnect(self, now: datetime) -> None:
        """Let those connect whose moment has come."""
        for place in self._places.values():
            if place.seat is _Seat.AWAY and place.again and place.again <= now.astimezone(UTC):
                place.seat = _Seat.COMING
                place.worker.connect()

    def recall(self) -> None:
        """Let nobody begin another message; what was handed over comes back."""
        for worker in self._places:
            worker.recall()

    def cut(self) -> None:
        """End all connections without waiting for the server."""
        for worker in self._places:
            worker.cut()

    def leave(self) -> None:
        """Let all take leave, and wait for that, but not for long."""
        for worker in self._places:
            worker.leave()
        deadline = time.monotonic() + _LAST_WORDS
        for place in self._places.values():
            # One that is still connecting has nothing to lose.
            if place.seat is not _Seat.COMING or self._served:
                place.worker.join(max(0.0, deadline - time.monotonic()))

    def _lost(self, place: _Place, error: Exception | None, now: datetime) -> None:
        place.failures += 1
        place.depth, place.accepts = 1, False
        lasting = False
        if isinstance(error, UserError):
            self.problem = RunFault.of(error.faults[0], error.code)
            lasting = not isinstance(error, NoSessionError) or error.lasting
        # Where no connection was ever made, the settings or the network are wrong: waiting mends neither.
        if lasting or not self._served or place.failures > len(_RECONNECT):
            place.seat = _Seat.GONE
        else:
            place.seat = _Seat.AWAY
            place.again = now.astimezone(UTC) + _RECONNECT[place.failures - 1]
