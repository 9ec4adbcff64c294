"""Everything that mkwmail reads, as functions that take any bytes: each may refuse them, and nothing else."""

import io
import shutil
import sys
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from mkwmail.config.event_file import read_event
from mkwmail.config.folder import WorkingFolder
from mkwmail.config.settings import read_settings
from mkwmail.errors import Fault, UserError
from mkwmail.members.member_list import read_members
from mkwmail.responses.bounces import read_returned
from mkwmail.responses.calendar_replies import replies_in
from mkwmail.responses.saved_mail import read_saved
from mkwmail.responses.signups import read_signups
from tests.mail.workshop import a_member, a_workshop
from tests.workplace import EVENT, HEADINGS, PEOPLE, ROOT

CORPUS = ROOT / "tests" / "corpus"
_REPORTS = ROOT / "tests" / "responses" / "reports"
Reader = Callable[[bytes], object]


@dataclass(frozen=True)
class Kind:
    """A kind of input. ``reader`` makes its function in a folder of its own; ``seeds`` are good examples."""

    reader: Callable[[Path], Reader]
    seeds: Callable[[], tuple[bytes, ...]]


def most_memory() -> int:
    """Return the most memory that this process has held, in megabytes; 0 on Windows, which does not tell."""
    if sys.platform == "win32":
        return 0
    import resource

    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return held // (1_000_000 if sys.platform == "darwin" else 1000)


def accepts(read: Reader, data: bytes) -> bool:
    """Return whether the input is taken; a refusal that a user can fix is as good."""
    try:
        read(data)
    except UserError as refusal:
        assert refusal.faults
        assert all(fault.fault for fault in refusal.faults)
        return False
    return True


def _file(folder: Path, name: str, read: Callable[[Path], object]) -> Reader:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)

    def reader(data: bytes) -> object:
        path.write_bytes(data)
        return read(path)

    return reader


def _events(folder: Path) -> Reader:
    return _file(folder, "events/x.yaml", lambda path: read_event(path, WorkingFolder(folder)))


def _settings(folder: Path) -> Reader:
    return _file(folder, "mkwmail.yaml", lambda _path: read_settings(WorkingFolder(folder)))


def _lists(folder: Path) -> Reader:
    return _file(folder, "leden.csv", lambda path: read_members(path, "leden.csv"))


def _signups(folder: Path) -> Reader:
    return _file(folder, "form.csv", lambda path: read_signups(path, "form.csv", ("k7m2p9q4rs",), ("Lunch",)))


def _workbooks(folder: Path) -> Reader:
    """A first byte of zero: the rest is the file; else it is the sheet in a good file."""
    folder.mkdir(parents=True, exist_ok=True)
    good = folder / "good.xlsx"
    good.write_bytes(_workbook())
    read = _file(folder, "leden.xlsx", lambda path: read_members(path, "leden.xlsx"))

    def reader(data: bytes) -> object:
        if data[:1] in (b"", b"\0"):
            return read(data[1:])
        made = io.BytesIO()
        with zipfile.ZipFile(good) as old, zipfile.ZipFile(made, "w") as new:
            for part in old.infolist():
                new.writestr(part.filename, data if part.filename == _SHEET else old.read(part))
        return read(made.getvalue())

    return reader


def _reports_read(folder: Path) -> Reader:
    return _file(folder, "a.eml", lambda path: [read_returned(mail) for mail in read_saved([path]).mails])


def _calendars(_folder: Path) -> Reader:
    def reader(data: bytes) -> object:
        try:
            return replies_in(data)
        except ValueError as error:
            raise UserError(Fault("", str(error), "")) from None

    return reader


def _templates(folder: Path) -> Reader:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    workshop = a_workshop(folder)
    return _file(folder, "invitation.md", lambda _path: workshop.compose(a_member()))


_SHEET = "xl/worksheets/sheet1.xml"


def _workbook() -> bytes:
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (HEADINGS, *PEOPLE):
        sheet.append(row.split(";"))
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def _workbook_seeds() -> tuple[bytes, ...]:
    whole = _workbook()
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        return b"\0" + whole, archive.read(_SHEET)


def _list_seeds() -> tuple[bytes, ...]:
    text = "\n".join((HEADINGS, *PEOPLE)) + "\n"
    return text.encode(), text.replace(";", ",").encode("cp1252"), text.encode("utf-16")


_FORM = (
    "Tijdstempel;Naam;E-mailadres;Organisatie;Komt u?;Lunch;code\n"
    '3-3-2020 14:05;"Verbeek, Kim";kim@woonstede.example.org;Woonstede;Ja, graag;ja;k7m2p9q4rs\n'
    "2020-03-04T09:00:00;Jan de Vries;jan@dehaven.example.org;De Haven;nee;;\n"
)

_REPLY = (
    "BEGIN:VCALENDAR\r\nMETHOD:REPLY\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:u@example.org\r\nSEQUENCE:1\r\n"
    "DTSTAMP:20200301T100000Z\r\nDTSTART;TZID=W. Europe Standard Time:20200416T130000\r\n"
    "ATTENDEE;PARTSTAT=ACCEPTED;CN=Kim:mailto:kim@woonstede.example.org\r\nCOMMENT:Tot dan\r\n"
    "END:VEVENT\r\nEND:VCALENDAR\r\n"
)


def _template_seeds() -> tuple[bytes, ...]:
    shipped = [path.read_bytes() for path in sorted((ROOT / "templates").glob("*.md"))]
    small = b"---\nsubject: Over {{ event.title }}\n---\nBeste {{ member.name }}{% if signup_link %},{% endif %}\n"
    return small, *shipped


KINDS: Mapping[str, Kind] = {
    "event": Kind(_events, lambda: (EVENT.read_bytes(), (ROOT / "tests/config/data/ten-faults.yaml").read_bytes())),
    "settings": Kind(_settings, lambda: ((ROOT / "mkwmail.yaml").read_bytes(),)),
    "list": Kind(_lists, _list_seeds),
    "workbook": Kind(_workbooks, _workbook_seeds),
    "signups": Kind(_signups, lambda: (_FORM.encode(), _FORM.encode("cp1252"))),
    "template": Kind(_templates, _template_seeds),
    "calendar": Kind(_calendars, lambda: (_REPLY.encode(),)),
    "report": Kind(_reports_read, lambda: tuple(path.read_bytes() for path in sorted(_REPORTS.glob("*.eml")))),
}


def kept(kind: str) -> tuple[bytes, ...]:
    """The findings of earlier days."""
    return tuple(path.read_bytes() for path in sorted((CORPUS / kind).glob("*")))
