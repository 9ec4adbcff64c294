"""Messages as text and JSON, and tables as CSV files for Excel."""

import csv
import email.policy
import io
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Any

from mkwmail.clock import clock_time, day_and_time, day_in_words
from mkwmail.i18n import _
from mkwmail.mail.letter import Message
from mkwmail.report.terminal import Terminal
from mkwmail.text import size


@dataclass(frozen=True, slots=True)
class Attached:
    """A file that is attached to a mail.

    ``octets`` is the size of the file itself, not of its encoding.
    """

    name: str
    content_type: str
    octets: int


@dataclass(frozen=True, slots=True)
class CalendarView:
    """The content of a mail's calendar part.

    ``starts`` and ``ends`` are in iCalendar's form, without their zone.
    """

    method: str
    title: str
    starts: str
    ends: str
    place: str

    def __str__(self) -> str:
        shown = ", ".join(part for part in (self.title, _moments(self.starts, self.ends), self.place) if part)
        match self.method:
            case "request":
                return _("%(entry)s (with answer buttons)") % {"entry": shown}
            case "cancel":
                return _("%(entry)s (taken out again)") % {"entry": shown}
        return shown


@dataclass(frozen=True, slots=True)
class MailView:
    """The content of a message, parsed from its bytes.

    So nothing is shown that is not in the bytes.
    """

    sender: str
    recipient: str
    subject: str
    message_id: str
    text: str
    attached: tuple[Attached, ...]
    calendar: CalendarView | None
    octets: int


def mail_view(message: Message) -> MailView:
    """Return the content of a message, parsed as a mail program does."""
    mail = BytesParser(_class=EmailMessage, policy=email.policy.default).parsebytes(message.data)
    text = mail.get_body(("plain",))
    files = [part for part in mail.walk() if part.get_content_disposition() == "attachment"]
    calendars = [part for part in mail.walk() if part.get_content_type() == "text/calendar"]
    return MailView(
        sender=str(mail["From"] or ""),
        recipient=str(mail["To"] or ""),
        subject=str(mail["Subject"] or ""),
        message_id=message.message_id,
        text=_text(text).rstrip("\n") if text is not None else "",
        attached=tuple(_attached(part) for part in files),
        calendar=_calendar(_text(calendars[0])) if calendars else None,
        octets=message.size,
    )


def _text(part: Any) -> str:
    return str(part.get_content()).replace("\r\n", "\n")


def _attached(part: EmailMessage) -> Attached:
    data = part.get_payload(decode=True)
    octets = len(data) if isinstance(data, bytes) else 0
    return Attached(part.get_filename() or "", part.get_content_type(), octets)


_UNFOLD = re.compile(r"\n[ \t]")  # RFC 5545 §3.1
_ENTRY = re.compile(r"BEGIN:VEVENT\n(.*?)END:VEVENT", re.DOTALL)
_PROPERTY = re.compile(r"^([A-Z-]+)(?:;[^:\n]*)?:(.*)$", re.MULTILINE)


def _calendar(text: str) -> CalendarView:
    plain = _UNFOLD.sub("", text)
    methods = [value for name, value in _PROPERTY.findall(plain) if name == "METHOD"]
    entry = _ENTRY.search(plain)
    found = {name: _plain(value) for name, value in _PROPERTY.findall(entry[1])} if entry else {}
    method = methods[0].lower() if methods else "?"
    title, starts, ends, place = (found.get(name, "") for name in ("SUMMARY", "DTSTART", "DTEND", "LOCATION"))
    return CalendarView(method, title, starts, ends, place)


def _plain(value: str) -> str:
    """Return a TEXT value without escapes (RFC 5545 §3.3.11), in one line."""
    return re.sub(r"\\([,;\\])", r"\1", value).replace("\\n", " ")


def _moments(starts: str, ends: str) -> str:
    """Return start and end in words; the day appears once if it is the same."""
    try:
        first, last = (datetime.strptime(each, "%Y%m%dT%H%M%S") for each in (starts, ends))
    except ValueError:
        return " - ".join(each for each in (starts, ends) if each)
    if first.date() == last.date():
        words = {"day": day_in_words(first), "starts": clock_time(first), "ends": clock_time(last)}
        return _("%(day)s from %(starts)s to %(ends)s") % words
    return _("%(starts)s to %(ends)s") % {"starts": day_and_time(first), "ends": day_and_time(last)}


def show_mail(terminal: Terminal, view: MailView) -> None:
    """Print a mail: its headers, its attachments, and its plain text."""
    rows = [(_("From"), view.sender), (_("To"), view.recipient), (_("Subject"), view.subject)]
    if view.attached:
        rows.append((_("Attached"), attached_words(view.attached)))
    if view.calendar:
        rows.append((_("Calendar"), str(view.calendar)))
    terminal.facts([*rows, (_("Size"), size(view.octets))])
    terminal.say()
    for line in view.text.split("\n"):
        terminal.say(f"  {line}" if line else "")


def attached_words(files: tuple[Attached, ...]) -> str:
    """Return the attachments in words.

    For example: ``programma.pdf (120 kB), invite.ics (2 kB)``.
    """
    return ", ".join(f"{file.name} ({size(file.octets)})" for file in files)


def mail_value(view: MailView) -> dict[str, Any]:
    """Return a mail for a JSON document."""
    return {
        "from": view.sender,
        "to": view.recipient,
        "subject": view.subject,
        "message_id": view.message_id,
        "text": view.text,
        "attachments": [{"name": file.name, "type": file.content_type, "size": file.octets} for file in view.attached],
        "calendar": asdict(view.calendar) if view.calendar else None,
        "size": view.octets,
    }


# Excel reads a cell that begins with one of these as a formula (OWASP, "CSV Injection").
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def spreadsheet(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    """Return a CSV file for Excel: with byte order mark and ``;``.

    A cell that Excel would calculate gets an apostrophe at its start.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(headings)
    for row in rows:
        writer.writerow([f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell for cell in row])
    return text.getvalue().encode("utf-8-sig")
