"""Kill a handover and a takeover at any moment, open the file twice, copy it; then run in each folder.

Never do two folders send, and everybody is served by one of them once it was done again.
"""

import random
import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.smtp_server import ScriptedServer
from tests.torture.kills import (
    LONGEST,
    MEMBERS,
    SEND,
    Tally,
    a_crowd,
    doubled,
    each_in_a_fresh_folder,
    gone_on,
    judge_by,
    killed_after,
    taken_by,
)
from tests.workplace import Place, Ran

HOW = ("handover killed", "takeover killed", "both killed", "taken over twice", "on the same computer")
_REFUSED = (74, 78)
_NO_FOLDER = "is not a working folder"


@dataclass(frozen=True)
class _Trial:
    """A folder, the state folders of two computers, and a server."""

    place: Place
    server: ScriptedServer
    dice: random.Random
    tally: Tally

    def run(self) -> None:
        how = self.dice.choice(HOW)
        if self.dice.random() < 0.7:
            self._at("old", self.place, *SEND, "--limit", str(self.dice.randrange(1, MEMBERS)))
        self.tally.note(how, True)
        new = "old" if how == "on the same computer" else "new"
        if how in ("handover killed", "both killed"):
            self._killed("old", self.place, "handover", str(self._file), "--yes")
            self._check_one_sends(new, [self.place])
        self._done("old", self.place, "handover", str(self._file), "--yes")
        first, second = self._place("een"), self._place("twee")
        if how in ("takeover killed", "both killed"):
            self._killed(new, first, "takeover", str(self._file), "--yes")
            self._check_one_sends(new, [self.place, first])
        if how == "taken over twice":
            self._killed(new, second, "takeover", str(self._file), "--yes")
        places = [place for place in (first, second) if (place.folder / "mkwmail.yaml").exists()]
        if not places:
            self._done(new, first, "takeover", str(self._file), "--yes")
            places = [first]
        copy = self._file.with_name("copy.mkwmail")
        shutil.copy2(self._file, copy)
        third = self._place("drie")
        if self._at(new, third, "takeover", str(copy), "--yes").code == 0:
            self.tally.bad.append(f"{how}: taken over twice")
            return
        self._check_one_sends(new, [self.place, places[0], third])
        judge_by(self.server, gone_on(places[0], MKWMAIL_STATE=self._state(new)), self.tally)

    @property
    def _file(self) -> Path:
        return self.place.folder.with_name("file.mkwmail")

    def _place(self, name: str) -> Place:
        return Place(self.place.folder.with_name(name))

    def _state(self, computer: str) -> str:
        return str(self.place.folder.with_name(f"state-{computer}"))

    def _at(self, computer: str, place: Place, *words: str) -> Ran:
        return place.run(*words, MKWMAIL_STATE=self._state(computer), HOME=self._state(computer))

    def _done(self, computer: str, place: Place, *words: str) -> None:
        ran = self._at(computer, place, *words)
        if ran.code:
            self.tally.bad.append(f"{words[0]}: exit {ran.code}: {ran.err}")

    def _killed(self, computer: str, place: Place, *words: str) -> None:
        seconds, state = self.dice.uniform(0, LONGEST * self.dice.choice((0.2, 0.5, 1))), self._state(computer)
        ended = killed_after(place, seconds, *words, MKWMAIL_STATE=state, HOME=state)
        self.tally.by_kind[f"{words[0]} hit"] += ended.code < 0

    def _check_one_sends(self, new: str, places: list[Place]) -> None:
        """Try to send one mail from each folder: at most one of them does."""
        sent = []
        for place in self.dice.sample(places, len(places)):
            before = len(self.server.taken)
            ran = self._at("old" if place is self.place else new, place, *SEND, "--limit", "1")
            if len(self.server.taken) > before:
                sent.append(place.folder.name)
            elif ran.code not in (*_REFUSED, 0, 75, 79, 80):
                self.tally.bad.append(f"{place.folder.name}: exit {ran.code}: {ran.err}")
        if len(sent) > 1:
            self.tally.bad.append(f"two folders sent: {', '.join(sent)}")
        self.tally.doubled += doubled(taken_by(self.server))


def hand_over_often(folder: Path, times: int, seed: int) -> Tally:
    """So many handovers, each of a fresh working folder; the dice are the seed's."""
    return each_in_a_fresh_folder(
        folder, a_crowd(folder / "pattern"), times, seed, 1, lambda *given: _Trial(*given).run()
    )
