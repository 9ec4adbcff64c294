"""The contract between delivery and a transport, over SMTP and over files in a folder.

Each row is a whole mailing that goes wrong somewhere; then a transport that works serves the rest.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

import pytest

from mkwmail.config.settings import Pace
from mkwmail.delivery.delivery import deliver
from mkwmail.delivery.outcome import Outcome, exit_code
from mkwmail.delivery.run import Pause, Step
from mkwmail.delivery.smtp_client import open_session
from mkwmail.delivery.transport import Open, Phase, Reply, Stop, Transport
from mkwmail.errors import ExitCode
from mkwmail.ledger import people
from mkwmail.ledger.models import State
from tests.delivery.folder_transport import FolderTransport, Trouble
from tests.delivery.office import PATIENT, ROUND, Office, addresses
from tests.smtp_server import DROP, SILENCE, Action, ScriptedServer

EVERYBODY = [f"{letter}@example.org" for letter in "abcdefgh"]
A, B, C, D, *_REST = EVERYBODY
QUOTA, UNKNOWN = "550 5.7.232 tenant limit", "550 5.1.1 unknown"


class Other(Protocol):
    """The other side of a transport: what it was given, and the moment when it stays silent."""

    open: Open

    def received(self) -> Sequence[str]:
        """The recipients of the bodies that arrived, in order."""
        ...

    def wait_for_silence(self) -> None:
        """Return when it has a body and says nothing about it."""
        ...


class Folder:
    """Files."""

    def __init__(self, folder: Path, script: dict[str, Trouble | Reply]) -> None:
        self._folder = folder
        folder.mkdir(exist_ok=True)
        transports: list[FolderTransport] = []

        def open_transport() -> Transport:
            # All faults happen in the first session.
            transports.append(FolderTransport(folder, {} if transports else script))
            return transports[-1]

        self.open: Open = open_transport
        self._transports = transports

    def received(self) -> Sequence[str]:
        return [path.stem.partition("-")[2] for path in sorted(self._folder.iterdir())]

    def wait_for_silence(self) -> None:
        while not self._transports:
            threading.Event().wait(0.01)
        assert self._transports[0].silent.wait(10)


class Smtp:
    """A scripted server."""

    def __init__(self, server: ScriptedServer) -> None:
        self._server = server
        self.open: Open = lambda: open_session(server.smtp(), None, PATIENT)

    def received(self) -> Sequence[str]:
        return [recipient for taken in self._server.taken for recipient in taken.recipients]

    def wait_for_silence(self) -> None:
        while not self._server.bodies_of(C):
            self._server.wait_for(".")


Script = dict[str, tuple[str, Action, Trouble | Reply]]
"""Address → the step of SMTP and what happens there; and the same for files."""

Sides = Callable[[Script], AbstractContextManager[Other]]


@pytest.fixture(params=["smtp", "smtp, pipelined", "files"])
def side(request: pytest.FixtureRequest, tmp_path: Path) -> Sides:
    @contextmanager
    def opened(script: Script) -> Iterator[Other]:
        if request.param == "files":
            yield Folder(tmp_path / "mails", {address: trouble for address, (_s, _a, trouble) in script.items()})
            return
        with ScriptedServer(("PIPELINING",) if "pipelined" in request.param else ()) as server:
            for address, (step, action, _trouble) in script.items():
                server.on(step, action, recipient=address, times=1)
            yield Smtp(server)

    return opened


@pytest.fixture
def office(tmp_path: Path) -> Office:
    (tmp_path / "office").mkdir()
    return Office(tmp_path / "office", EVERYBODY)


def mail(office: Office, other: Other, pace: Pace | None = None) -> Outcome:
    with office.ledger() as ledger:
        jobs = office.jobs(ledger)
        return deliver(jobs, ROUND, ledger, other.open, pace or Pace(), office.clock, office.stop, office.hear)


@pytest.mark.parametrize("connections", [1, 3])
def test_a_whole_mailing(side: Sides, office: Office, connections: int) -> None:
    with side({}) as other:
        outcome = mail(office, other, Pace(connections=connections))
        assert sorted(other.received()) == EVERYBODY
        assert mail(office, other).sent == ()
    assert sorted(addresses(outcome.sent)) == EVERYBODY
    assert office.states() == dict.fromkeys(EVERYBODY, State.SENT)


def test_a_session_that_ends_early_is_opened_again(side: Sides, office: Office) -> None:
    with side({C: ("RCPT", DROP, Trouble.END)}) as other:
        outcome = mail(office, other)
        assert Counter(other.received()) == Counter(EVERYBODY)
    assert exit_code(outcome) == ExitCode.OK


def test_an_exception_within_a_body_leaves_that_one_in_doubt_and_the_rest_planned(
    office: Office, tmp_path: Path
) -> None:
    """Only a transport's own fault raises one; SMTP has a reply for everything that a server does."""
    broken = Folder(tmp_path / "mails", {C: Trouble.BREAK})
    with pytest.raises(RuntimeError, match="broke"):
        mail(office, broken)
    states = office.states()
    assert [states[address] for address in (A, B, C)] == [State.SENT, State.SENT, State.IN_DOUBT]
    assert all(states.get(address, State.PLANNED) is State.PLANNED for address in (D, *_REST))
    mail(office, broken)
    assert Counter(broken.received()) == Counter(EVERYBODY)
    assert office.states()[C] is State.IN_DOUBT


def test_silence_then_a_cut_leaves_one_in_doubt(side: Sides, office: Office) -> None:
    with side({C: ("DOT", SILENCE, Trouble.SILENCE)}) as other:

        def press() -> None:
            other.wait_for_silence()
            office.stop.ask()
            office.stop.ask()

        thread = threading.Thread(target=press)
        thread.start()
        outcome = mail(office, other)
        thread.join(10)
        office.stop = Stop()
        mail(office, other)
        assert Counter(other.received()) == Counter(EVERYBODY)
    assert addresses(outcome.in_doubt) == [C]
    assert outcome.interrupted


@pytest.mark.parametrize(
    ("answer", "state"), [("451 4.2.0 later", State.DEFERRED), (UNKNOWN, State.REFUSED), (QUOTA, State.PLANNED)]
)
def test_a_reply_is_the_members_or_the_runs(side: Sides, office: Office, answer: str, state: State) -> None:
    code, _space, text = answer.partition(" ")
    with side({C: ("RCPT", answer, Reply(int(code), text, Phase.RCPT))}) as other:
        outcome = mail(office, other)
        assert C not in other.received()
    assert office.states()[C] is state
    assert bool(outcome.stopped) is (answer is QUOTA)
    assert len(outcome.sent) == (2 if answer is QUOTA else 7)


@pytest.mark.parametrize("connections", [1, 2])
def test_bodies_that_are_declined_are_planned_again(side: Sides, office: Office, connections: int) -> None:
    """After the first stop nothing more begins, even if it is claimed already."""

    def ask(event: Step | Pause) -> None:
        if isinstance(event, Step) and event.done == 3:
            office.stop.ask()

    office.heard = ask
    with side({}) as other:
        outcome = mail(office, other, Pace(connections=connections))
        assert sorted(other.received()) == sorted(addresses(outcome.sent))
        assert len(outcome.sent) < len(EVERYBODY)
        assert set(office.states().values()) <= {State.SENT, State.PLANNED}
        office.heard, office.stop = None, Stop()
        mail(office, other)
        assert Counter(other.received()) == Counter(EVERYBODY)


def test_who_is_left_out_during_the_run_is_not_mailed(side: Sides, office: Office) -> None:
    said: dict[str, str] = {}
    with office.ledger() as ledger:
        keys = {person.address: person.key for person in people.persons(ledger.database)}

    def leave_out(event: Step | Pause) -> None:
        if isinstance(event, Step) and event.done == 1:
            said[keys[D]] = said[keys[EVERYBODY[-1]]] = "with pension"

    office.heard = leave_out
    with side({}) as other, office.ledger() as ledger:
        outcome = deliver(
            *(office.jobs(ledger), ROUND, ledger, other.open, Pace(), office.clock, office.stop, office.hear),
            left_out=lambda: dict(said),
        )
        # Of the group under way somebody may still go in the moment after; the last one is in a later group.
        gone = other.received()
    assert {ending.reason for ending in outcome.skipped} == {"with pension"}
    assert sorted([*gone, *addresses(outcome.skipped)]) == EVERYBODY
    assert EVERYBODY[-1] in addresses(outcome.skipped)
    assert exit_code(outcome) == ExitCode.OK
