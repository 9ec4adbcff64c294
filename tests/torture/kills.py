"""Kill the program while it sends, at a step of the conversation or at any moment; then let it go on.

What became of everybody is judged by what a server took that was there all the time.
"""

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.smtp_server import Call, ScriptedServer
from tests.workplace import MOMENT, Place, Ran, a_place

if sys.platform == "win32":
    SIGKILL = signal.SIGTERM  # ends a process as abruptly there
else:
    SIGKILL = signal.SIGKILL

MEMBERS = 12
EVERYBODY = tuple(f"lid{n}@corp.example.org" for n in range(MEMBERS))
PUT_OFF, UNKNOWN = EVERYBODY[2], EVERYBODY[7]
CALLS = ("pwrite64", "fdatasync", "write", "sendto")
ENDS = (0, 75, 79, 80)
_HEADINGS = "naam;e-mail;organisatie"
STEPS = ("GREETING", "EHLO", "MAIL", "RCPT", "DATA", "BODY", "DOT", "QUIT")
MOMENTS = ("2020-02-17T09:00", "2020-02-17T10:00")  # of the run, and of the one that tries again whom it put off
SEND = ("send", "directeurendag-2020", "invitation", "--yes", "--json")
# A run of so many members lasts about so long, in seconds; a moment beyond its end kills nothing.
LONGEST = 0.25


@dataclass
class Tally:
    """The outcome of a number of kills."""

    kills: int = 0
    spared: int = 0  # the run was over before its moment came
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    bad: list[str] = field(default_factory=list)  # how a run ended that should have served everybody
    in_doubt: int = 0
    most_in_doubt: int = 0
    by_kind: Counter[str] = field(default_factory=Counter)

    def note(self, kind: str, hit: bool) -> None:
        """A kill, or one that came too late."""
        self.kills += hit
        self.spared += not hit
        self.by_kind[kind] += hit


Trial = Callable[[Place, ScriptedServer, random.Random, Tally], None]
Killing = Callable[[Place, ScriptedServer, random.Random], tuple[str, bool]]


def a_crowd(folder: Path) -> Place:
    """A working folder with a list of everybody."""
    place = a_place(folder)
    place.members(*(f"Lid {n};{address};Corp {n}" for n, address in enumerate(EVERYBODY)), headings=_HEADINGS)
    return place


def each_in_a_fresh_folder(
    folder: Path, pattern: Place, times: int, seed: int, connections: int, trial: Trial
) -> Tally:
    """Do a trial in a fresh folder like the pattern, until there were so many kills; the dice are the seed's."""
    dice, tally = random.Random(seed), Tally()
    while tally.kills < times:
        with a_run(folder, pattern, dice.choice(((), ("PIPELINING",))), connections) as (place, server):
            trial(place, server, dice, tally)
        # The files that a trial left next to its folder.
        for left in folder.iterdir():
            if left.is_file():
                left.unlink()
            elif left.name != "pattern":
                shutil.rmtree(left)
    return tally


def kill_often(folder: Path, kills: int, seed: int, connections: int, way: Killing | None = None) -> Tally:
    """So many kills, each in a fresh working folder; the dice are the seed's.

    ``way`` runs the program and says what kind of kill it was and whether it hit; by default at a step of the
    conversation or at any moment.
    """

    def trial(place: Place, server: ScriptedServer, dice: random.Random, tally: Tally) -> None:
        tally.note(*(way or by_conversation)(place, server, dice))
        judge_by(server, gone_on(place), tally)

    return each_in_a_fresh_folder(folder, a_crowd(folder / "pattern"), kills, seed, connections, trial)


@contextlib.contextmanager
def a_run(
    folder: Path, pattern: Place, extensions: tuple[str, ...], connections: int
) -> Iterator[tuple[Place, ScriptedServer]]:
    """A working folder like the pattern, and a server that puts one member off and refuses another."""
    place = Place(folder / "run")
    shutil.copytree(pattern.folder, place.folder)
    with ScriptedServer(extensions) as server:
        server.on("RCPT", "450 4.2.0 greylisted", recipient=PUT_OFF, times=1)
        server.on("DOT", "550 5.1.1 unknown", recipient=UNKNOWN)
        place.settings(server.port, f"pace: {{connections: {connections}}}\n")
        yield place, server
    shutil.rmtree(place.folder)


def by_conversation(
    place: Place,
    server: ScriptedServer,
    dice: random.Random,
    words: tuple[str, ...] = SEND,
    now: str = MOMENT,
    longest: float = LONGEST,
    members: int = MEMBERS,
) -> tuple[str, bool]:
    """At a step of the conversation with the server, or at a moment of the run."""
    kind = dice.choice(("at a step", "at a moment"))
    if kind == "at a moment":
        return kind, killed_after(place, dice.uniform(0, longest), *words, now=now).code == -SIGKILL

    def aim(process: int) -> None:
        step = dice.choice(STEPS)
        skip = 0 if step in ("GREETING", "EHLO", "QUIT") else dice.randrange(members)
        server.on(step, Call(lambda: kill(process)), skip=skip, times=1)

    return kind, place.killed(*words, started=aim, now=now).code == -SIGKILL


def by_system_call(place: Place, _server: ScriptedServer, dice: random.Random) -> tuple[str, bool]:
    """At one of the calls by which the ledger, its journal and the messages are written."""
    call = dice.choice(CALLS)
    return f"at {call}", killed_at_call(place, call, dice.randrange(1, 80), *SEND)


def killed_at_call(place: Place, call: str, number: int, *words: str, now: str = MOMENT) -> bool:
    """Run the program until its so-manyth call of this kind; strace delivers the kill. Whether it came so far."""
    which = f"inject={call}:signal=SIGKILL:when={number}"
    command = ["strace", "-f", "-qq", "-o", os.devnull, "-e", f"trace={call}", "-e", which, *place.command(*words)]
    done = subprocess.run(
        command, env=place.environment(now), stdin=subprocess.DEVNULL, capture_output=True, timeout=120, check=False
    )
    return done.returncode in (-SIGKILL, 128 + SIGKILL)


def killed_at_writes(place: Place, numbers: Iterable[int], *words: str, now: str = MOMENT) -> Iterator[bool]:
    """Run a command on the same ledger again and again, killed at another of its writes each time; whether it was."""
    ledger = place.folder / "mkwmail-test.db"
    old = ledger.read_bytes()
    for number in numbers:
        ledger.write_bytes(old)
        for name in ("mkwmail-test.db-wal", "mkwmail-test.db-shm"):
            (place.folder / name).unlink(missing_ok=True)
        yield killed_at_call(place, "pwrite64", number, *words, now=now)


def gone_on(place: Place, words: tuple[str, ...] = SEND, moments: tuple[str, str] = MOMENTS, **environment: str) -> Ran:
    """Run it until it is done; how the last run ended."""
    after = place.run(*words, now=moments[0], **environment)
    if after.code in ENDS and after.json["deferred"]:
        after = place.run(*words, now=moments[1], **environment)
    return after


def judge_by(server: ScriptedServer, after: Ran, tally: Tally, everybody: Sequence[str] = EVERYBODY) -> None:
    """Judge by what a server took that was there all the time."""
    taken = taken_by(server)
    judge(after, taken, taken, tally, everybody)


def taken_by(server: ScriptedServer) -> Counter[str]:
    """How many mails a server took for each address."""
    return Counter(taken.recipients[0] for taken in server.taken if taken.reply[0] not in "45")


def doubled(taken: Counter[str]) -> list[str]:
    """Return those who were mailed more than once."""
    return [address for address, mails in taken.items() if mails > 1]


def judge(
    after: Ran, perhaps: Counter[str], certain: Counter[str], tally: Tally, everybody: Sequence[str] = EVERYBODY
) -> None:
    """Everybody has it once, or at most once and is named.

    ``perhaps``: mails that a server may have taken; ``certain``: those that it took.
    """
    if after.code not in ENDS:
        tally.bad.append(f"exit {after.code}: {after.err}")
        return
    doubtful = {each["address"] for each in after.json["in_doubt"]}
    named = doubtful | {each["address"] for each in after.json["refused"]}
    if after.json["waiting"] or after.json["deferred"]:
        tally.bad.append(f"not done: {after.out}")
    tally.in_doubt += len(doubtful)
    tally.most_in_doubt = max(tally.most_in_doubt, len(doubtful))
    tally.doubled += doubled(perhaps)
    tally.lost += [address for address in everybody if not certain[address] and address not in named]


def killed_after(place: Place, seconds: float, *words: str, now: str = MOMENT, **environment: str) -> Ran:
    """Run a command and kill it after so many seconds, unless it has ended."""
    timers: list[threading.Timer] = []

    def aim(process: int) -> None:
        timers.append(threading.Timer(seconds, kill, (process,)))
        timers[0].start()

    ended = place.killed(*words, started=aim, now=now, **environment)
    for each in timers:
        each.cancel()
        each.join()
    return ended


def kill(process: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, SIGKILL)
