"""Kill the program while it sends the thanks with certificates; then let it go on, half of the times without typst.

Besides what holds for every mailing, each person has one certificate, the same to the byte however often it was tried,
and those who were absent get nothing.
"""

import random
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.papers.reading import attendance, no_typst, pdfs_in, with_certificates
from tests.smtp_server import ScriptedServer
from tests.torture.kills import EVERYBODY, Tally, by_conversation, each_in_a_fresh_folder, gone_on, judge_by
from tests.workplace import Place

THANKS = ("send", "directeurendag-2020", "thanks", "--yes", "--json")
MOMENTS = ("2020-04-20T09:00", "2020-04-20T10:00")
# Typst takes its time before the first message leaves.
LONGEST = 2.0
GUESTS = tuple(f"gast{n}@bureau.example.net" for n in range(3))
PRESENT = (*EVERYBODY, *(f"lid{n}@corp.example.org" for n in range(len(EVERYBODY), 40)), *GUESTS)
ABSENT = tuple(f"lid{n}@corp.example.org" for n in range(40, 45))


def kill_often_with_certificates(folder: Path, kills: int, seed: int, connections: int) -> Tally:
    """So many kills, each in a fresh working folder; the dice are the seed's."""
    pattern = _present(folder / "pattern")
    path = no_typst(pattern.folder)

    def trial(place: Place, server: ScriptedServer, dice: random.Random, tally: Tally) -> None:
        tally.note(*by_conversation(place, server, dice, THANKS, MOMENTS[0], LONGEST, len(PRESENT)))
        # As soon as anybody may have one, all certificates are kept.
        without = {"PYTHONPATH": path} if _kept(place) and dice.random() < 0.5 else {}
        judge_by(server, gone_on(place, THANKS, MOMENTS, **without), tally, PRESENT)
        _judge_bytes(place, server, tally)

    return each_in_a_fresh_folder(folder, pattern, kills, seed, connections, trial)


def _present(folder: Path) -> Place:
    place = with_certificates(folder)
    listed = [f"Lid {n};{address};Corp {n}" for n, address in enumerate((*PRESENT, *ABSENT)) if address not in GUESTS]
    place.members(*listed, headings="naam;e-mail;organisatie")
    guests = [f"Gast {n};{address};Bureau {n}" for n, address in enumerate(GUESTS)]
    absent = [line for line in listed if line.split(";")[1] in ABSENT]
    attendance(place, [line for line in listed if line not in absent] + guests, absent)
    return place


def _kept(place: Place) -> dict[str, str]:
    """Return address → SHA-256 of the certificate that is kept."""
    with closing(sqlite3.connect(place.folder / "mkwmail-test.db")) as ledger:
        rows = ledger.execute(
            "SELECT address, sha256 FROM certificates JOIN persons ON persons.key = person"
        ).fetchall()
    assert len(rows) in (0, len(PRESENT))
    return dict(rows)


def _judge_bytes(place: Place, server: ScriptedServer, tally: Tally) -> None:
    kept = _kept(place)
    for each in server.taken:
        if each.reply[0] in "45":
            continue
        (address,) = each.recipients
        if pdfs_in(each.data) != [kept.get(address)]:
            tally.bad.append(f"{address} was sent another certificate than the one that is kept")
