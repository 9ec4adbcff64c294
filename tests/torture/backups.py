"""Put a backup back at any moment, in the place of a ledger that is gone, damaged or newer; then go on.

Nobody may be mailed twice without a question, and nobody is forgotten without being named.
"""

import random
import shutil
from pathlib import Path

from tests.smtp_server import ScriptedServer
from tests.torture.kills import (
    LONGEST,
    MEMBERS,
    SEND,
    Tally,
    a_crowd,
    each_in_a_fresh_folder,
    gone_on,
    judge_by,
    killed_after,
)
from tests.workplace import Place

LEDGER = "mkwmail-test.db"
HOW = ("gone", "damaged", "an older copy", "without its note", "killed meanwhile")


def _sent_in_parts(place: Place, dice: random.Random) -> list[Path]:
    """Send in a few runs, some of them killed; return the backups of all moments."""
    kept = place.folder.with_name("kept")
    kept.mkdir()
    for _part in range(dice.randrange(2, 5)):
        words = (*SEND, "--limit", str(dice.randrange(1, MEMBERS // 2)))
        if dice.random() < 0.4:
            killed_after(place, dice.uniform(0, LONGEST), *words)
        else:
            place.run(*words)
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
        killed_after(place, dice.uniform(0, LONGEST / 2), "restore", str(backup), "--yes")
    return place.run("restore", str(backup), "--yes").code


def put_back_often(folder: Path, times: int, seed: int, connections: int) -> Tally:
    """So many backups put back, each in a fresh working folder; the dice are the seed's."""
    return each_in_a_fresh_folder(folder, a_crowd(folder / "pattern"), times, seed, connections, _try)


def _try(place: Place, server: ScriptedServer, dice: random.Random, tally: Tally) -> None:
    backups = _sent_in_parts(place, dice)
    how = dice.choice(HOW)
    tally.note(how, bool(backups))
    if backups:
        code = _put_back(place, dice.choice(backups), how, dice)
        if code not in (0, 79):
            tally.bad.append(f"restore: exit {code} ({how})")
    judge_by(server, gone_on(place), tally)
