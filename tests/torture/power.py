"""Cut the power while the program sends: rebuild its folder as a disk may hold it then, and let the next run go on.

strace writes down what the program asks of the system. A disk is held to what was synced; of every later write it may
have kept all, nothing or some sectors, in any order, and of the changes of each folder itself the first so many. That
goes for the working folder and for the state folder, in which the ledger's note is.
"""

import codecs
import random
import re
import shutil
import subprocess
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from mkwmail.ledger.runs import boot_id
from tests.smtp_server import ScriptedServer
from tests.torture.kills import MOMENTS, PUT_OFF, SEND, UNKNOWN, Tally, a_crowd, judge
from tests.workplace import Place

_CALLS = "openat,write,pwrite64,ftruncate,fsync,fdatasync,?rename,renameat,?unlink,unlinkat,sendto,recvfrom"
_SECTOR = 512  # octets that a disk writes whole or not at all
_WHOLE = re.compile(r"(\d+) +(\w+)\((.*)\) += (\d+)(?:<.*>)?")
_BEGUN = re.compile(r"(\d+) +(\w+\(.*) <unfinished \.\.\.>")
_GOES_ON = re.compile(r"(\d+) +<\.\.\. \w+ resumed>(.*)")
_OPEN_FILE = re.compile(r"\d+<([^>]*)>")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_LAST_NUMBER = re.compile(r", (\d+)\Z")
_TO = re.compile(rb"^To: [^\r]*?(\w+@[\w.]+)>?\r$", re.MULTILINE)
_LATER = "2020-02-17T12:00"
_TAKEN = "250 2.0.0 taken"


@dataclass(frozen=True, slots=True)
class Asked:
    """A call of the system that was granted. ``began`` and ``ended`` count the record's lines."""

    call: str
    file: str  # a path or a socket
    data: bytes
    number: int  # where a write goes, or how long a file becomes
    words: str
    began: int
    ended: int


def _asked(lines: Sequence[str]) -> list[Asked]:
    """The calls of a record, in the order in which they began."""
    unfinished: dict[str, tuple[int, str]] = {}
    found = []
    for number, line in enumerate(lines):
        began, whole = number, line
        if begun := _BEGUN.fullmatch(line):
            unfinished[begun[1]] = number, f"{begun[1]} {begun[2]}"
        elif more := _GOES_ON.fullmatch(line):
            began, start = unfinished.pop(more[1])
            whole = start + more[2]
        if match := _WHOLE.fullmatch(whole):
            found.append(_call(match[2], match[3], int(match[4]), began, number))
    return sorted(found, key=lambda each: each.began)


def _call(call: str, words: str, answer: int, began: int, ended: int) -> Asked:
    texts = [codecs.escape_decode(text.encode())[0] for text in _QUOTED.findall(words)]
    opened = _OPEN_FILE.match(words)
    file = opened[1] if opened else texts.pop(0).decode()
    data = texts[0] if texts else b""
    number = _LAST_NUMBER.search(words)
    return Asked(
        call,
        file,
        data[:answer] if call in ("write", "pwrite64", "sendto", "recvfrom") else data,
        int(number[1]) if number else 0,
        _QUOTED.sub("", words),
        began,
        ended,
    )


@dataclass(frozen=True, slots=True)
class _Change:
    """Of a file's octets; ``data`` None: it is cut off at ``place``."""

    place: int
    data: bytes | None
    ended: int

    def done_to(self, before: bytes) -> bytes:
        if self.data is None:
            return before[: self.place].ljust(self.place, b"\0")
        return before[: self.place].ljust(self.place, b"\0") + self.data + before[self.place + len(self.data) :]

    def sectors(self) -> Iterator["_Change"]:
        if self.data is None:
            yield self
        else:
            for start in range(0, len(self.data), _SECTOR):
                yield _Change(self.place + start, self.data[start : start + _SECTOR], self.ended)


@dataclass(eq=False, slots=True)
class _File:
    now: bytes = b""  # as the program reads it
    safe: bytes = b""  # as it is on the disk for certain
    changes: list[_Change] = field(default_factory=list)

    def change(self, change: _Change) -> None:
        self.now = change.done_to(self.now)
        self.changes.append(change)

    def sync(self, began: int) -> None:
        for change in self.changes:
            if change.ended < began:
                self.safe = change.done_to(self.safe)
        self.changes = [change for change in self.changes if change.ended >= began]

    def found(self, keeps: Callable[[], bool]) -> bytes:
        data = self.safe
        for change in self.changes:
            for sector in change.sectors():
                data = sector.done_to(data) if keeps() else data
        return data


Names = dict[str, _File]


class Disk:
    """The files of the ledger, or its note, as they may be found when the power is cut at a line of the record.

    All of them are in one folder, and their names begin so.
    """

    def __init__(self, calls: Sequence[Asked], beginning: str, cut: int) -> None:
        self._now: Names = {}
        self._safe: Names = {}
        self._renames: list[tuple[int, Callable[[Names], object]]] = []
        folder = beginning.rpartition("/")[0]
        for call in calls:
            if call.began >= cut:
                return
            if call.call in ("fsync", "fdatasync"):
                if call.ended < cut:
                    self._sync(call, folder)
            elif call.file.startswith(beginning) and not call.file.endswith(("-shm", ".seen.lock")):
                self._change(call)

    def found(self, keeps: Callable[[], bool]) -> Mapping[str, bytes]:
        """Path → content; ``keeps`` says whether the disk happened to write what was not synced."""
        names = dict(self._safe)
        for _ended, change in self._renames:
            if not keeps():
                break
            change(names)
        return {name: file.found(keeps) for name, file in names.items()}

    def _sync(self, call: Asked, folder: str) -> None:
        if call.file == folder:
            for ended, change in self._renames:
                if ended < call.began:
                    change(self._safe)
            self._renames = [each for each in self._renames if each[0] >= call.began]
        elif call.file in self._now:
            self._now[call.file].sync(call.began)

    def _change(self, call: Asked) -> None:
        file = self._now.get(call.file)
        match call.call:
            case "openat" if "O_CREAT" in call.words and file is None:
                made = _File()
                self._rename(call, lambda names: names.update({call.file: made}))
            case "openat" if "O_TRUNC" in call.words and file:
                file.change(_Change(0, None, call.ended))
            case "ftruncate" if file:
                file.change(_Change(call.number, None, call.ended))
            case "pwrite64" if file:
                file.change(_Change(call.number, call.data, call.ended))
            case "write" if file:
                file.change(_Change(len(file.now), call.data, call.ended))
            case "rename" | "renameat" if file:
                self._rename(call, lambda names: names.update({call.data.decode(): names.pop(call.file, file)}))
            case "unlink" | "unlinkat":
                self._rename(call, lambda names: names.pop(call.file, None))

    def _rename(self, call: Asked, change: Callable[[Names], object]) -> None:
        change(self._now)
        self._renames.append((call.ended, change))


def _mails(calls: Sequence[Asked], cut: int) -> tuple[Counter[str], Counter[str]]:
    """Whose mail may have been taken by then, and whose mail the server had said it took."""
    out: dict[str, bytes] = defaultdict(bytes)
    answered: Counter[str] = Counter()
    for call in calls:
        if call.began < cut and call.call == "sendto":
            out[call.file] += call.data
        if call.ended < cut and call.call == "recvfrom":
            answered[call.file] += call.data.count(_TAKEN.encode())
    perhaps: Counter[str] = Counter()
    certain: Counter[str] = Counter()
    for socket, stream in out.items():
        bodies = [_TO.findall(body)[-1].decode() for body in stream.split(b"\r\n.\r\n")[:-1]]
        perhaps.update(bodies)
        certain.update(bodies[: answered[socket]])
    return perhaps, certain


def cut_often(folder: Path, cuts: int, seed: int, connections: int) -> Tally:
    """So many power cuts at calls of two runs; the dice are the seed's."""
    dice, tally = random.Random(seed), Tally()
    recorded = _recorded(folder, dice.choice(((), ("PIPELINING",))), connections)
    moments = recorded.moments
    for _each in range(cuts):
        # All or nothing, too: what no dice would ever give.
        odds = dice.choice((0.0, 0.5, 1.0))
        recorded.go_on_after(dice.choice(moments), partial(_falls, dice, odds), "another-boot", tally)
    return tally


def stop_at_each_call(folder: Path, connections: int, every: int = 1) -> Tally:
    """Check the folder that a kill leaves before, within and after every call of two runs, or every so-manyth."""
    tally = Tally()
    recorded = _recorded(folder, ("PIPELINING",), connections)
    for moment in recorded.moments[::every]:
        recorded.go_on_after(moment, lambda: True, boot_id(), tally)
    return tally


def _falls(dice: random.Random, odds: float) -> bool:
    return dice.random() < odds


@dataclass(frozen=True, slots=True)
class _Recorded:
    """Two runs: the first is put off for one member and refused for another, the second tries the one again.

    ``folder`` is where they ran; ``kept`` is that folder now: at its old place it would be a second ledger.
    """

    folder: Path
    kept: Path
    calls: Sequence[Asked]

    @property
    def beginnings(self) -> tuple[str, str]:
        """How the paths of the ledger's files begin, and that of its note."""
        return f"{self.folder}/mkwmail-test.", f"{_state_of(self.folder)}/"

    @property
    def moments(self) -> list[int]:
        """The lines at which something had just been done to a file or the server."""
        ours = (*self.beginnings, "socket:")
        return sorted(
            {
                at
                for call in self.calls
                if call.file.startswith(ours)
                for at in (call.began, call.began + 1, call.ended + 1)
            }
        )

    def go_on_after(self, cut: int, keeps: Callable[[], bool], boot: str, tally: Tally) -> None:
        """Make the folder as it was found then, and give the same command again."""
        folder = self.folder.with_name("found")
        shutil.copytree(self.kept, folder, ignore=shutil.ignore_patterns("mkwmail-test.*"))
        _state_of(folder).mkdir()
        for beginning, home in zip(self.beginnings, (folder, _state_of(folder)), strict=True):
            for name, data in Disk(self.calls, beginning, cut).found(keeps).items():
                (home / Path(name).name).write_bytes(data.replace(boot_id().encode(), boot.encode()))
        with ScriptedServer() as server:
            Place(folder).settings(server.port)
            after = Place(folder).run(*SEND, now=_LATER, MKWMAIL_STATE=str(_state_of(folder)))
            taken = Counter(address for mail in server.taken for address in mail.recipients)
        perhaps, certain = _mails(self.calls, cut)
        tally.note("cut", True)
        judge(after, perhaps + taken, certain + taken, tally)
        shutil.rmtree(folder)
        shutil.rmtree(_state_of(folder))


def _state_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}-state")


def _recorded(folder: Path, extensions: tuple[str, ...], connections: int) -> _Recorded:
    place = a_crowd(folder / "recorded")
    lines: list[str] = []
    with ScriptedServer(extensions) as server:
        server.on("RCPT", "450 4.2.0 greylisted", recipient=PUT_OFF, times=1)
        server.on("RCPT", "550 5.1.1 unknown", recipient=UNKNOWN)
        server.on("DOT", _TAKEN)
        place.settings(server.port, f"pace: {{connections: {connections}}}\n")
        for now in MOMENTS:
            lines += _lines_of_a_run(place, folder / "record", now)
    kept = place.folder.rename(folder / "kept")
    return _Recorded(place.folder, kept, _asked(lines))


def _lines_of_a_run(place: Place, record: Path, now: str) -> list[str]:
    strace = ("strace", "-f", "--seccomp-bpf", "-qq", "-y", "-s", "100000000", "-e", f"trace={_CALLS}")
    command = [*strace, "-o", str(record), *place.command(*SEND)]
    done = subprocess.run(
        command,
        env=place.environment(now, MKWMAIL_STATE=str(_state_of(place.folder))),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    assert done.returncode in (75, 80), done.stderr
    return record.read_text(encoding="ascii").splitlines()
