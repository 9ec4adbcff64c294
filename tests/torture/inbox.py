"""Kill `inbox` at any moment; then let it read on. It must end as one quiet run does, and nobody may be mailed."""

import os
import random
import shutil
import threading
import time
from pathlib import Path

from tests.commands.test_inbox import LATER, ids_of
from tests.commands.test_inbox_is_import import MORE, ask_by_calendar, states, twelve
from tests.dovecot import Dovecot
from tests.smtp_server import ScriptedServer
from tests.torture.kills import SIGKILL, Tally
from tests.workplace import PEOPLE, Place, a_place

# So many that they are read in two groups.
OTHERS = 600


def kill_inbox_often(folder: Path, kills: int, seed: int) -> Tally:
    """So many kills, each in a fresh copy of one working folder; the dice are the seed's."""
    dice, tally = random.Random(seed), Tally()
    with ScriptedServer() as smtp, Dovecot() as box:
        (pattern := folder / "pattern").mkdir(parents=True)
        place = a_place(pattern, smtp.port)
        place.members(*PEOPLE, *MORE)
        ask_by_calendar(place)
        place.settings(smtp.port, box.settings(place))
        assert place.send().json["sent"] == len(PEOPLE) + len(MORE)
        for number, mail in enumerate(twelve(smtp, place)):
            box.deliver(mail)
            if number == 6:
                box.deliver_others(OTHERS, next(iter(ids_of(smtp).values())).partition("@")[2], every=10)
        taken = len(smtp.taken)
        quiet = _copied(pattern, folder / "quiet")
        began = time.monotonic()
        assert quiet.run("inbox", now=LATER).code == 0
        lasts = time.monotonic() - began  # a later moment kills nothing
        expected = states(quiet)
        while tally.kills < kills:
            here = _copied(pattern, folder / "here")
            while not _killed(here, dice, lasts, tally) and dice.random() < 0.7:
                pass
            ended = here.run("inbox", now=LATER)
            if ended.code != 0 or states(here) != expected:
                tally.bad.append(f"{ended.code} {ended.err}")
            shutil.rmtree(here.folder)
        tally.doubled += ["somebody"] * (len(smtp.taken) - taken)
    return tally


def _copied(pattern: Path, to: Path) -> Place:
    shutil.copytree(pattern, to)
    return Place(to)


def _killed(place: Place, dice: random.Random, lasts: float, tally: Tally) -> bool:
    timers: list[threading.Timer] = []

    def aim(process: int) -> None:
        timers.append(threading.Timer(dice.uniform(0, lasts), os.kill, (process, SIGKILL)))
        timers[0].start()

    ended = place.killed("inbox", started=aim, now=LATER)
    for each in timers:
        each.cancel()
        each.join()
    hit = ended.code == -SIGKILL
    tally.note("inbox", hit)
    return hit
