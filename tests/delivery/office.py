"""Shared parts of the tests of sending: a ledger with people, their jobs, and a clock whose waits take no time."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mkwmail.auth.credentials import Password
from mkwmail.clock import ZONE
from mkwmail.config.settings import Pace, Smtp
from mkwmail.delivery.delivery import deliver
from mkwmail.delivery.outcome import Ending, Outcome
from mkwmail.delivery.run import Job, Pause, Step
from mkwmail.delivery.smtp_client import open_session
from mkwmail.delivery.smtp_stream import Timeouts
from mkwmail.delivery.transport import Stop
from mkwmail.dutch.names import Name
from mkwmail.ledger import deliveries, people
from mkwmail.ledger.ledger import Ledger
from mkwmail.ledger.models import Claim, Round, State
from mkwmail.ledger.people import Listed, Person
from mkwmail.mail.letter import Message
from mkwmail.members.member_list import Member
from mkwmail.planning.audience import Recipient

START = datetime(2020, 2, 17, 9, tzinfo=ZONE)
ROUND = Round("dag-2020", "invitation")
SHORT = Timeouts(connect=2, greeting=0.8, command=0.8, data=0.8, block=0.8, dot=0.8, quit=0.8)
PATIENT = Timeouts(connect=5, greeting=5, command=5, data=5, block=5, dot=30, quit=2)


# More than the network holds in its buffers: a server that hangs up within it does so before the final dot.
LONG_BODY = (b"x" * 76 + b"\r\n") * 130_000


class StillClock:
    """A clock that stands still, except that waiting takes the time it takes."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start
        self.waits: list[float] = []

    def now(self) -> datetime:
        return self._now

    def wait(self, seconds: float, stop: threading.Event) -> None:
        self.waits.append(seconds)
        if not stop.is_set():
            self._now = (self._now.astimezone(UTC) + timedelta(seconds=max(seconds, 0.001))).astimezone(ZONE)


def a_message(address: str, number: int = 1, body: bytes = b"Beste Kim\r\n") -> Message:
    """A message in two chunks."""
    head = f"From: a@example.org\r\nTo: {address}\r\nMessage-ID: <m{number}@example.org>\r\n\r\n"
    return Message("a@example.org", address, f"<m{number}@example.org>", (head.encode(), body))


@dataclass
class Office:
    """A working folder with a ledger, and a run against a server."""

    folder: Path
    addresses: Sequence[str]
    clock: StillClock = field(default_factory=StillClock)
    progress: list[Step | Pause] = field(default_factory=list)
    stop: Stop = field(default_factory=Stop)
    body: bytes = b"Beste Kim,\r\n.\r\n..punten\r\n"

    heard: Callable[[Step | Pause], None] | None = None

    def hear(self, event: Step | Pause) -> None:
        """Progress, as the run tells it."""
        self.progress.append(event)
        if self.heard:
            self.heard(event)

    @contextmanager
    def ledger(self) -> Iterator[Ledger]:
        """The ledger, held and settled, everybody enlisted; its note is in a folder next to it."""
        files = (self.folder / "mkwmail.db", self.folder / "mkwmail.id")
        with Ledger.open(*files, START, "here", boot="boot", state=lambda: self.folder / "state") as ledger:
            ledger.record_persons([Listed(address, address, "", "") for address in self.addresses], START)
            with ledger.hold("send", self.clock.now()):
                ledger.settle(self.clock.now())
                yield ledger

    def jobs(self, ledger: Ledger) -> list[Job]:
        """A job for everybody who was not sent anything yet: planned or new, and deferred whose time has come."""
        standing = {each.person: each for each in deliveries.of_event(ledger.database, ROUND.event)}
        letter = deliveries.keep_letter(ledger.database, b"Beste leden")
        found = []
        for number, person in enumerate(people.persons(ledger.database), 1):
            before = standing.get(person.key)
            if before and before.state not in (State.PLANNED, State.DEFERRED):
                continue
            if before and before.not_before and before.not_before > self.clock.now():
                continue
            message = a_message(person.address, number, self.body)
            tries = before.tries + 1 if before else 1

            def prepare(
                now: datetime, message: Message = message, person: Person = person, tries: int = tries
            ) -> tuple[Message, Claim]:
                about = (message.message_id, now, message.digest)
                return message, Claim(person.key, person.address, letter, {}, *about, tries)

            member = Member(0, Name(written=person.name), person.address)
            found.append(Job(Recipient(person.key, member), prepare, tries))
        return found

    def send(
        self,
        smtp: Smtp,
        pace: Pace | None = None,
        timeouts: Timeouts = PATIENT,
        password: Password | None = None,
        latest: datetime | None = None,
    ) -> Outcome:
        """One run, as the command does it."""
        with self.ledger() as ledger:
            return deliver(
                self.jobs(ledger),
                ROUND,
                ledger,
                lambda: open_session(smtp, password, timeouts),
                pace or Pace(),
                self.clock,
                self.stop,
                self.hear,
                latest,
            )

    def states(self) -> dict[str, State]:
        """Return each person's state in the ledger, by address; without settling anything."""
        with Ledger.open(self.folder / "mkwmail.db", self.folder / "mkwmail.id", START, "here", boot="boot") as ledger:
            return {each.address: each.state for each in deliveries.of_event(ledger.database, ROUND.event)}


def addresses(endings: Sequence[Ending]) -> list[str]:
    """Whose endings these are."""
    return [ending.recipient.address for ending in endings]
