"""Copy the working folder, or some of the ledger's files, at any moment of a run, or put them back; then run in each
place.

Nobody may be mailed twice, whatever was copied: a run says that it is not the ledger, or goes on with what it knows.
When the files that were used last are put back, everybody is served.
"""

import contextlib
import random
import shutil
import threading
from dataclasses import dataclass
from pathlib import Path

from tests.smtp_server import ScriptedServer
from tests.torture.kills import (
    ENDS,
    LONGEST,
    MEMBERS,
    SEND,
    Tally,
    a_crowd,
    a_run,
    doubled,
    gone_on,
    judge_by,
    kill,
    taken_by,
)
from tests.workplace import Place, Ran

LEDGER = "mkwmail-test.db"
NAME = "mkwmail-test.id"
WHAT = {
    "the folder": ("", "-wal", "-shm", "-wire", ".lock", ".holder"),
    "the ledger alone": ("",),
    "the ledger and its -wal": ("", "-wal"),
    "the ledger and its -wire": ("", "-wire"),
    "the ledger, -wal and -wire": ("", "-wal", "-wire"),
}
HOW = ("copied", "moved", "put back", "put back over the rest")
_REFUSED = (74, 78)


@dataclass(frozen=True)
class _Trial:
    """A folder, the state folder of its user, and a server that puts one member off and refuses another."""

    place: Place
    state: Path
    server: ScriptedServer
    dice: random.Random
    tally: Tally

    @property
    def _copies(self) -> Path:
        return self.place.folder.with_name("copies")

    def copy_and_judge(self) -> None:
        how, what = self.dice.choice(HOW), self.dice.choice(list(WHAT))
        if self.dice.random() < 0.5:
            self._run(self.place, "--limit", str(self.dice.randrange(1, MEMBERS)))
        within, dead = self._run_and_copy(WHAT[what])
        self.tally.note(f"{how}: {what}", within)
        if how == "copied":
            other = self._other()
            places = [self.place, other]
            if any(self.state.glob("*.seen")):
                self.dice.shuffle(places)  # as long as neither has mailed, the first to do so is the ledger
            for each in places:
                self._run_in(each, may_refuse=each is other)
        elif how == "moved":
            other, used = self._other(), self.place.folder.with_name("used")
            self.place.folder.rename(used)
            self._run_in(other, may_refuse=within or dead, used=used)
            used.rename(self.place.folder)
        else:
            used = self.place.folder.with_name("used")
            shutil.copytree(self.place.folder, used)
            if how == "put back":
                _remove_ledger(self.place.folder)
            _put(self._copies, self.place.folder)
            self._run_in(self.place, may_refuse=within or dead, used=used)
            shutil.rmtree(used)

    def _run_and_copy(self, suffixes: tuple[str, ...]) -> tuple[bool, bool]:
        """A run, and a copy made meanwhile or after it. Whether it was meanwhile, and whether the run was killed."""
        moment, later = self.dice.uniform(0, LONGEST), self.dice.uniform(0, LONGEST / 2)
        copying = threading.Timer(moment, self._copy, (suffixes,))
        killing: list[threading.Timer] = []

        def aim(process: int) -> None:
            copying.start()
            if self.dice.random() < 0.5:
                killing.append(threading.Timer(moment + later, kill, (process,)))
                killing[0].start()

        ended = self.place.killed(*SEND, started=aim, MKWMAIL_STATE=str(self.state))
        within = self._copies.exists()
        for each in killing:
            each.cancel()
            each.join()
        copying.join()
        return within, ended.code < 0

    def _copy(self, suffixes: tuple[str, ...]) -> None:
        self._copies.mkdir()
        names = [NAME, *(f"{LEDGER}{suffix}" for suffix in suffixes)]
        self.dice.shuffle(names)
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                shutil.copy2(self.place.folder / name, self._copies / name)

    def _other(self) -> Place:
        """Another folder with what was copied."""
        folder = self.place.folder.with_name("other")
        shutil.copytree(self.place.folder, folder)
        _remove_ledger(folder)
        _put(self._copies, folder)
        return Place(folder)

    def _run(self, place: Place, *words: str) -> Ran:
        return place.run(*SEND, *words, MKWMAIL_STATE=str(self.state))

    def _run_in(self, place: Place, may_refuse: bool, used: Path | None = None) -> None:
        """Run; if that is refused, put the files back that were ``used`` last and run again."""
        ran = gone_on(place, MKWMAIL_STATE=str(self.state))
        if ran.code in _REFUSED and may_refuse:
            if used is None:
                self.tally.doubled += doubled(taken_by(self.server))
                return
            _remove_ledger(place.folder)
            _put(used, place.folder)
            ran = gone_on(place, MKWMAIL_STATE=str(self.state))
        judge_by(self.server, ran, self.tally)


def _remove_ledger(folder: Path) -> None:
    for path in folder.glob("mkwmail-test.*"):
        path.unlink()


def _put(copies: Path, folder: Path) -> None:
    for path in copies.glob("mkwmail-test.*"):
        # Over a file that is there, as a copying program does it: in its place, or as another file.
        shutil.copy2(path, folder / path.name)


def copy_often(folder: Path, times: int, seed: int, connections: int) -> Tally:
    """So many copies made within runs, each in a fresh working folder; the dice are the seed's."""
    dice, tally = random.Random(seed), Tally()
    pattern = a_crowd(folder / "pattern")
    assert pattern.run("check", SEND[1]).code in ENDS  # the ledger is there from the beginning
    while tally.kills < times:
        with a_run(folder, pattern, dice.choice(((), ("PIPELINING",))), connections) as (place, server):
            trial = _Trial(place, folder / "state", server, dice, tally)
            trial.copy_and_judge()
        for left in ("copies", "other", "state"):
            shutil.rmtree(folder / left, ignore_errors=True)
    return tally
