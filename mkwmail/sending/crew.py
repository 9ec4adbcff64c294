"""The crew: the workers of a run, what each is doing, and when a lost connection is opened again."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from operator import itemgetter

from mkwmail.errors import UserError
from mkwmail.sending.run_fault import RunFault
from mkwmail.sending.submission import NoSessionError
from mkwmail.sending.worker import Ended, Event, Opened, Ready, Replied, Worker

_RECONNECT = (timedelta(seconds=1), timedelta(seconds=10), timedelta(seconds=60))
_MOST_AHEAD = 64  # messages of the whole crew that a power cut may leave in doubt
_LAST_WORDS = 5.0  # seconds in which workers take leave of the server


Listen = Callable[[Mapping[int, bool], float], Iterable[int]]
"""Waits for connections, by their numbers with whether it is for writing, so many seconds: those that are ready."""


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
    queued: int = 0  # messages that were handed to it, or are being claimed for it, and have no reply yet
    depth: int = 1  # how many it may have so
    left: int | None = None  # how many more its session may carry
    accepts: bool = False  # the server took a message of it since it last lost its connection
    again: datetime | None = None


class Crew:
    """All workers of a run."""

    def __init__(self, hire: Callable[[], Worker]) -> None:
        self._hire = hire
        self.problem: RunFault | None = None  # why the last connection could not be opened, or was lost
        self._places: dict[Worker, _Place] = {}
        self._served = False

    def start(self, connections: int) -> None:
        """Let so many workers connect."""
        for _each in range(connections):
            worker = self._hire()
            self._places[worker] = _Place(worker)
            worker.connect()

    @property
    def wants(self) -> list[Worker]:
        """Who wants a message, as often as it wants one, in the order in which they are served."""
        turns = []
        for place in self._places.values():
            if place.queued < place.depth and place.seat in (_Seat.READY, _Seat.BUSY):
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

    def reserve(self, worker: Worker) -> None:
        """A message is being claimed for a worker that wants one."""
        place = self._places[worker]
        place.seat = _Seat.BUSY
        place.queued += 1
        if place.left is not None:
            place.left -= 1

    def unreserve(self, worker: Worker) -> None:
        """It will not come, for the run is ending."""
        self._places[worker].queued -= 1

    def take(self, event: Event, now: datetime) -> None:
        """Note where a worker stands after what it reported."""
        place = self._places[event.worker]
        match event:
            case Opened(session=session):
                event.worker.begin(session)
            case Ready(left=left):
                # It cannot know yet of what is reserved for it or on its way to it.
                place.seat = _Seat.BUSY if place.queued else _Seat.READY
                place.left = None if left is None else left - place.queued
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

    def go_on(self, wait: Listen, seconds: float) -> None:
        """Let those go on whose network is ready, or whose time is over; where there are none, wait so long at most.

        ``wait`` is :meth:`mkwmail.sending.news.News.wait`, which also ends at news.
        """
        waiting = {worker.fileno(): worker for worker in self._places if worker.wait}
        now = time.monotonic()
        late = {number for number, worker in waiting.items() if worker.wait and worker.wait.until <= now}
        left = min((worker.wait.until - now for worker in waiting.values() if worker.wait), default=seconds)
        connections = {number: worker.wait.writing for number, worker in waiting.items() if worker.wait}
        for number in late.union(wait(connections, min(left, seconds))):
            waiting[number].go_on()

    def leave(self, wait: Listen) -> None:
        """Let all take leave, and wait for that, but not for long; ``wait`` as for :meth:`go_on`."""
        deadline = time.monotonic() + _LAST_WORDS
        for worker in self._places:
            worker.leave()
        while any(worker.wait for worker in self._places) and time.monotonic() < deadline:
            self.go_on(wait, deadline - time.monotonic())
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
