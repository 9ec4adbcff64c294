"""Kill the program while it sends, at a step of the conversation or at any moment; then let it go on.

What became of everybody is judged by what a server took that was there all the time.
"""

import contextlib
import os
import random
import shutil
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.smtp_server import Call, ScriptedServer
from tests.workplace import Place, a_place

MEMBERS = 12
EVERYBODY = tuple(f"lid{n}@corp.example.org" for n in range(MEMBERS))
CALLS = ("pwrite64", "fdatasync", "write", "sendto")
_HEADINGS = "naam;e-mail;organisatie"
STEPS = ("GREETING", "EHLO", "MAIL", "RCPT", "DATA", "BODY", "DOT", "QUIT")
_SEND = ("send", "directeurendag-2020", "invitation", "--yes", "--json")
# A run of so many members lasts about so long, in seconds; a moment beyond its end kills nothing.
_LONGEST = 0.35


@dataclass
class Tally:
    """What a number of kills led to."""

    kills: int = 0
    spared: int = 0  # the run was over before its moment came
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    in_doubt: int = 0
    most_in_doubt: int = 0
    by_kind: Counter[str] = field(default_factory=Counter)


Killing = Callable[[Place, ScriptedServer, random.Random], tuple[str, bool]]


def kill_often(folder: Path, kills: int, seed: int, connections: int, way: Killing | None = None) -> Tally:
    """So many kills, each in a fresh working folder; the dice are the seed's.

    ``way`` runs the program and says what kind of kill it was and whether it hit; by default at a step of the
    conversation or at any moment.
    """
    dice, tally = random.Random(seed), Tally()
    pattern = folder / "pattern"
    a_place(pattern)
    number = 0
    while tally.kills < kills:
        number += 1
        place = Place(folder / f"{number}")
        shutil.copytree(pattern, place.folder)
        place.members(*(f"Lid {n};{address};Corp {n}" for n, address in enumerate(EVERYBODY)), headings=_HEADINGS)
        with ScriptedServer(dice.choice(((), ("PIPELINING",)))) as server:
            place.settings(server.port, f"pace: {{connections: {connections}}}\n")
            kind, hit = (way or by_conversation)(place, server, dice)
            tally.kills += hit
            tally.spared += not hit
            tally.by_kind[kind] += hit
            _judge(place, server, tally)
        shutil.rmtree(place.folder)
    return tally


def by_conversation(place: Place, server: ScriptedServer, dice: random.Random) -> tuple[str, bool]:
    """At a step of the conversation with the server, or at a moment of the run."""
    kind = dice.choice(("at a step", "at a moment"))
    timers: list[threading.Timer] = []

    def aim(process: int) -> None:
        if kind == "at a step":
            step = dice.choice(STEPS)
            skip = 0 if step in ("GREETING", "EHLO", "QUIT") else dice.randrange(MEMBERS)
            server.on(step, Call(lambda: _kill(process)), skip=skip, times=1)
        else:
            timers.append(threading.Timer(dice.uniform(0, _LONGEST), _kill, (process,)))
            timers[0].start()

    ended = place.killed(*_SEND, started=aim)
    for each in timers:
        each.cancel()
        each.join()
    return kind, ended.code == -signal.SIGKILL


def by_system_call(place: Place, _server: ScriptedServer, dice: random.Random) -> tuple[str, bool]:
    """At one of the calls by which the ledger, its journal and the messages are written."""
    call = dice.choice(CALLS)
    return f"at {call}", killed_at_call(place, call, dice.randrange(1, 80), *_SEND)


def killed_at_call(place: Place, call: str, number: int, *words: str) -> bool:
    """Run the program until its so-manyth call of this kind; strace delivers the kill. Whether it came so far."""
    which = f"inject={call}:signal=SIGKILL:when={number}"
    command = ["strace", "-f", "-qq", "-o", os.devnull, "-e", f"trace={call}", "-e", which, *place.command(*words)]
    done = subprocess.run(
        command, env=place.environment(), stdin=subprocess.DEVNULL, capture_output=True, timeout=120, check=False
    )
    return done.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL)


def _judge(place: Place, server: ScriptedServer, tally: Tally) -> None:
    """Let it go on until it is done; then everybody has it once, or at most once and is named."""
    after = place.run(*_SEND)
    assert after.code in (0, 79), after.err
    doubtful = {each["address"] for each in after.json["in_doubt"]}
    tally.in_doubt += len(doubtful)
    tally.most_in_doubt = max(tally.most_in_doubt, len(doubtful))
    for address in EVERYBODY:
        count = server.bodies_of(address)
        if count > 1:
            tally.doubled.append(f"{address}: {count}")
        if count == 0 and address not in doubtful:
            tally.lost.append(address)


def _kill(process: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)
