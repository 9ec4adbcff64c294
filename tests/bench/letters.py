"""How long composing and addressing take, and how much memory: ``make bench``.

The example event's invitation with a 200 KB PDF, the shipped templates. Exits with 1 if a limit is exceeded.
"""

import os
import subprocess
import sys
import time
import tracemalloc
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from mkwmail import __version__
from mkwmail.clock import ZONE
from mkwmail.config.event_file import read_event
from mkwmail.config.folder import WorkingFolder
from mkwmail.config.kinds import mailing_named
from mkwmail.config.settings import Mailbox, Settings
from mkwmail.files import Attachment
from mkwmail.mail.compose import Composition, compose
from mkwmail.mail.context import Addressee, MailingContext
from mkwmail.mail.templates import Templates
from mkwmail.members.member_list import read_members
from tests.bench.page import LETTERS, keep
from tests.papers.reading import AFTER, attendance, with_certificates
from tests.papers.reading import EVENT as EVENT_ID

ROOT = Path(__file__).parent.parent.parent
EVENT = ROOT / "events" / "2020-04-16-directeurendag.yaml"
MOST_COMPOSING = 250  # microseconds of CPU a member, after start-up
MOST_ADDRESSING = 150  # microseconds of CPU a message
MOST_FOR_CERTIFICATES = 15  # seconds of CPU for a thousand
MOST_MEMORY = 4_096  # octets a member; the letter is 300 KB


def _occasion(pdf: bytes) -> MailingContext:
    event = read_event(EVENT, WorkingFolder(ROOT)).value
    return MailingContext(
        event=event,
        name="invitation",
        mailing=mailing_named(event, "invitation"),
        template="invitation",
        settings=Settings(
            sender=Mailbox(name="Secretaris", email="secretaris@example.org"), association="MKW Platform"
        ),
        uid="uid@example.org",
        attachments=(Attachment("programma.pdf", "application/pdf", pdf),),
    )


def _members(count: int) -> list[Addressee]:
    listed = [member for member in read_members(ROOT / "events/leden-voorbeeld.csv", "list").members if member.email]
    return [
        Addressee(
            f"p{number}",
            listed[number % len(listed)]._replace(email=f"lid{number}@example.org"),
            f"code{number:06}",
        )
        for number in range(count)
    ]


def _composed(count: int, pdf: bytes) -> tuple[Composition, float]:
    occasion, members, templates = _occasion(pdf), _members(count), Templates((ROOT / "templates",))
    began = time.process_time()
    composition = compose(occasion, templates, members)
    return composition, time.process_time() - began


def _addressing(composition: Composition) -> float:
    moment = datetime(2020, 2, 17, 9, tzinfo=ZONE)
    began = time.process_time()
    for number, addressed in enumerate(composition.addressed):
        addressed.message(f"{number}@example.org", moment)
    return time.process_time() - began


def _memory(count: int, pdf: bytes) -> int:
    tracemalloc.start()
    composition, _seconds = _composed(count, pdf)
    held, _peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(composition.addressed) == count
    return held


def _certificates(count: int) -> float:
    """Return how many seconds of CPU it takes to check an event, with a certificate for everybody with the thanks."""
    with TemporaryDirectory() as name:
        place = with_certificates(Path(name))
        rows = [f"Lid van {n};lid{n}@example.org;Corporatie {n}" for n in range(count)]
        place.members(*rows, headings="naam;e-mail;organisatie")
        attendance(place, rows, [])
        before = os.times()
        ran = subprocess.run(
            place.command("check", EVENT_ID), env=place.environment(AFTER), capture_output=True, text=True, check=False
        )
        after = os.times()
        assert ran.returncode == 0 and f" {count}" in ran.stdout, ran.stdout
        spent = after.children_user + after.children_system
        return spent - before.children_user - before.children_system


def main() -> int:
    """Measure, print, judge."""
    pdf = os.urandom(200_000)
    start_up = min(_composed(1, pdf)[1] for _ in range(3))
    composing, addressing = [], []
    for _ in range(3):
        composition, seconds = _composed(10_000, pdf)
        composing.append((seconds - start_up) / 10_000 * 1e6)
        addressing.append(_addressing(composition) / 10_000 * 1e6)
    growth = (_memory(4_000, pdf) - _memory(1_000, pdf)) / 3_000
    certificates = _certificates(1_000)
    figures = (
        ("1,000 certificates, checked and composed", certificates, MOST_FOR_CERTIFICATES, "s CPU"),
        ("composing, after start-up", sorted(composing)[1], MOST_COMPOSING, "µs CPU a member"),
        ("addressing, with a 200 KB PDF", sorted(addressing)[1], MOST_ADDRESSING, "µs CPU a message"),
        ("memory, with a 200 KB PDF", growth, MOST_MEMORY, "octets a member"),
    )
    print(f"start-up: {start_up * 1000:.0f} ms CPU")
    rows = [f"| {what}, {unit} | {figure:,.0f} | {most:,} |\n" for what, figure, most, unit in figures]
    print("".join(rows))
    keep(
        "".join(
            (f"{date.today().isoformat()}: mkwmail {__version__}\n\n| | measured | limit |\n|---|--:|--:|\n", *rows)
        ),
        LETTERS,
    )
    return int(any(figure > most for _what, figure, most, _unit in figures))


if __name__ == "__main__":
    sys.exit(main())
