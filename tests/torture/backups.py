"""Put a backup back at any moment, in the place of a ledger that is gone, damaged or newer; then go on.

Nobody may be mailed twice without a question, and nobody is forgotten without being named.
"""

import random
import shutil
import threading
from pathlib import Path

from tests.smtp_server import ScriptedServer
from tests.torture.kills import LONGEST, MEMBERS, SEND, Tally, a_crowd, a_run, gone_on, judge_by, kill
from tests.workplace import Place

LEDGER = "mkwmail-test.db"
HOW = ("gone", "damaged", "an older copy", "without its note", "killed meanwhile")


def _sent_in_parts(place: Place, dice: random.Random) -> list[Path]:
    """Send in a few runs, some of them killed; return the backups of all moments."""
    kept = place.folder.with_name("kept")
    kept.mkdir()
    for _part in range(dice.randrange(2, 5)):
        timers: list[threading.Timer] = []

        def aim(process: int, timers: list[threading.Timer] = timers) -> None:
            if dice.random() < 0.4:
                timers.append(threading.Timer(dice.uniform(0, LONGEST), kill, (process,)))
                timers[0].start()

        place.killed(*SEND, "--limit", str(dice.randrange(1, MEMBERS // 2)), started=aim)
        for timer in timers:
            timer.cancel()
            timer.join()
        for backup in (place.folder / "backups").glob("*.db"):
            if not (kept / backup.name).exists():
                shutil.copy2(backup, kept / backup.name)
    return sorted(kept.glob("*.db"))


def _put_back(place: Place, backup: Path, how: str, dice: random.Random) -> int:
    ledger = place.folder / LEDGER
    if how == "damaged":
        ledger.write_bytes(b"spoilt" * 1000)
    else:
        for suffix in ("", "-wal", "-shm", *(("-wire",) if dice.random() < 0.5 else ())):
            (place.folder / f"{LEDGER}{suffix}").unlink(missing_ok=True)
    if how == "an older copy":
        shutil.copy2(backup, ledger)
    if how == "without its note":
        shutil.rmtree(place.folder / ".home")
    if how == "killed meanwhile":
        timers: list[threading.Timer] = []

        def aim(process: int) -> None:
            timers.append(threading.Timer(dice.uniform(0, LONGEST / 2), kill, (process,)))
            timers[0].start()

        place.killed("restore", str(backup), "--yes", started=aim)
        for each in timers:
            each.cancel()
            each.join()
    return place.run("restore", str(backup), "--yes").code


def put_back_often(folder: Path, times: int, seed: int, connections: int) -> Tally:
    """So many backups put back, each in a fresh working folder; the dice are the seed's."""
    dice, tally = random.Random(seed), Tally()
    pattern = a_crowd(folder / "pattern")
    while tally.kills < times:
        with a_run(folder, pattern, dice.choice(((), ("PIPELINING",))), connections) as (place, server):
            _try(place, server, dice, tally)
        shutil.rmtree(folder / "kept")
    return tally


def _try(place: Place, server: ScriptedServer, dice: random.Random, tally: Tally) -> None:
    backups = _sent_in_parts(place, dice)
    how = dice.choice(HOW)
    tally.note(how, bool(backups))
    if backups:
        code = _put_back(place, dice.choice(backups), how, dice)
        if code not in (0, 79):
            tally.bad.append(f"restore: exit {code} ({how})")
    judge_by(server, gone_on(place), tally)
