"""Saved mails as bytes: .eml and .msg files, mbox files, Maildirs and folders.

What strangers wrote is read within bounds: a mail can be megabytes of one header, and hold characters that control a
terminal or a page. Outlook's own format (.msg) is a compound file (MS-CFB) with a stream for each property (MS-OXMSG).
Only what identifies a mail is carried over: its headers, its text, reports on its delivery (MS-OXOMSG), answers to
meeting requests (MS-OXOCAL), and attached mails and calendars.
"""

import re
import struct
from base64 import encodebytes
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.errors import MessageError
from email.header import Header, decode_header, make_header
from email.message import Message
from email.policy import Compat32
from email.utils import format_datetime, formataddr
from html import unescape
from io import BytesIO
from itertools import islice
from pathlib import Path

from olefile import OleFileIO

from mkwmail.errors import Fault, UserError, user_error
from mkwmail.files import reason_of
from mkwmail.i18n import _, one_line

LARGEST_FILE = 256 << 20  # octets: a whole mailbox of reports
_MOST_MAILS = 20_000  # of one mbox file
_LONGEST_HEAD = 100_000  # octets in which the header's fields are looked for

# A separator is at the start of the file or after a blank line (RFC 4155, appendix A).
_FROM_LINE = re.compile(rb"(?:\A|(?<=\n\n)|(?<=\n\r\n))From [^\r\n]*\r?\n")
_QUOTED_FROM = re.compile(rb"(?m)^>(>*From )")
# A mail begins with header fields, and at least one of these is there (RFC 5322 §3.6).
_FIELDS = re.compile(
    rb"(?im)^(?:from|to|subject|date|sender|reply-to|received|return-path|delivered-to|message-id|mime-version|"
    rb"content-type|x-[\w-]+)[ \t]*:"
)
#: How the names of files with mails end.
MAIL_ENDINGS = (".eml", ".msg", ".ics", ".mbox", ".mbx", ".mbs", ".txt", "")


@dataclass(frozen=True, slots=True)
class SavedMail:
    """One mail (RFC 5322), or one calendar file (RFC 5545), as it was saved.

    ``place`` is the path of its file; for a mail in an mbox file, the mail's number follows.
    """

    place: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Saved:
    """The mails in files and folders, in the order of their names.

    ``unread``: the files that cannot be read as mails. ``others``: the paths of files that are not mails, by their
    names.
    """

    mails: tuple[SavedMail, ...] = ()
    unread: tuple[Fault, ...] = ()
    others: tuple[str, ...] = ()


def read_saved(paths: Iterable[Path]) -> Saved:
    """Return all mails in the files and folders.

    A file that cannot be read does not stop the others.

    :raises UserError: with all faults, if there is no mail at all.
    """
    faults: list[Fault] = []
    found: list[SavedMail] = []
    others: list[str] = []
    given = tuple(paths)
    room = LARGEST_FILE
    for path in given:
        for file in _files(path):
            if file != path and file.suffix.casefold() not in MAIL_ENDINGS and file.parent.name not in ("cur", "new"):
                others.append(str(file))
                continue
            try:
                mails = _mails(file, room)
            except UserError as error:
                faults += error.faults
            else:
                found += mails
                room -= sum(len(each.data) for each in mails)
    if not found and not faults:
        place = ", ".join(map(str, given))
        remedy = _("save the mails as .eml or .msg files, or name a folder that holds them")
        faults.append(Fault(place, _("there is no mail in it"), remedy))
    if not found:
        raise UserError(*faults)
    return Saved(tuple(found), tuple(faults), tuple(others))


def _files(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
    elif (path / "cur").is_dir() or (path / "new").is_dir():
        # Maildir: the files in tmp are still being written (maildir(5)).
        for part in ("cur", "new"):
            yield from sorted(each for each in (path / part).glob("*") if _is_visible_file(each))
    else:
        for each in sorted(path.iterdir()):
            if each.is_dir() and not each.name.startswith("."):
                yield from _files(each)
            elif _is_visible_file(each):
                yield each


def _is_visible_file(path: Path) -> bool:
    return path.is_file() and not path.name.startswith(".")


def _mails(path: Path, room: int) -> list[SavedMail]:
    data = _bytes(path, room)
    if data.startswith(SIGNATURE):
        try:
            return [SavedMail(str(path), mail_from_msg(data))]
        except ValueError as error:
            remedy = _("open it in Outlook, choose Save as, and save it as .eml")
            raise user_error(str(path), str(error), remedy) from None
    if b"\0" in data[:4096]:
        raise user_error(str(path), _("this is not a mail: it holds NUL bytes"), _("save the mail as .eml"))
    if not data.strip():
        raise user_error(str(path), _("the file is empty"), _("save the mail again, as .eml or .msg"))
    starts = list(islice(_FROM_LINE.finditer(data), _MOST_MAILS + 1)) if data.startswith(b"From ") else []
    if not starts and not (is_calendar(data) or _is_mail(data)):
        fault = _("this is not a mail: it does not begin with From:, To:, Subject: and the like")
        raise user_error(str(path), fault, _("save the mail as .eml"))
    if not starts:
        return [SavedMail(str(path), data)]
    if len(starts) > _MOST_MAILS:
        fault = _("there are more than %(n)d mails in it")
        raise user_error(str(path), fault, _("save the reports alone, without the rest of the mailbox"), n=_MOST_MAILS)
    ends = [*(each.start() for each in starts[1:]), len(data)]
    return [
        SavedMail(f"{path}:{number}", _QUOTED_FROM.sub(rb"\1", data[start.end() : end]))
        for number, (start, end) in enumerate(zip(starts, ends, strict=True), start=1)
    ]


def is_calendar(data: bytes) -> bool:
    """Check whether a file is a calendar, and not a mail."""
    return data.lstrip(b"\xef\xbb\xbf \t\r\n")[:15].upper() == b"BEGIN:VCALENDAR"


def _is_mail(data: bytes) -> bool:
    """Check whether a file begins as a mail does: with its header, up to an empty line."""
    header = re.split(rb"\r?\n[ \t]*\r?\n", data.lstrip(b"\xef\xbb\xbf \t\r\n")[:_LONGEST_HEAD], maxsplit=1)[0]
    return _FIELDS.search(header) is not None


def _bytes(path: Path, room: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(room + 1)
    except FileNotFoundError:
        raise user_error(str(path), _("the file is not there")) from None
    except OSError as error:
        raise user_error(str(path), _("the file cannot be read: %(reason)s"), reason=reason_of(error)) from None
    if len(data) > room:
        fault = _("the mails are larger than %(megabytes)d MB together") % {"megabytes": LARGEST_FILE >> 20}
        raise user_error(str(path), fault, _("save the reports alone, without the rest of the mailbox"))
    return data


# Characters of a header that are read. Headers of mails are at most 998 characters a line (RFC 5322 §2.1.1).
_LONGEST_HEADER = 5000


#: The type that the machine-readable part of a report has here. Under its own (RFC 3464 §2.1) Python's parser makes a
#: mail of each group of fields, and there can be ten thousands of them.
STATUS = "application/delivery-status"
_MACHINE_READABLE = re.compile(r"\s*message/(?:global-)?delivery-status\b", re.IGNORECASE)


class _BoundedHeaders(Compat32):
    """The reading of mails that strangers wrote: a header has an end.

    Decoding a header, and finding its parameters, takes time that grows faster than its length.
    """

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        if name.casefold() == "content-type":
            value = _MACHINE_READABLE.sub(STATUS, value)
        return name, value[:_LONGEST_HEADER]


_BOUNDED = _BoundedHeaders()
_LONGEST_TEXT = 100_000  # characters of a mail's text that are read
_TAG = re.compile(r"<(?:style|script)\b.*?</(?:style|script)>|<[^<>]*>", re.IGNORECASE | re.DOTALL)
_BLOCK_END = re.compile(r"<(?:br|/p|/div|/tr|/li|/h\d)\b[^<>]*>", re.IGNORECASE)


def parsed(data: bytes) -> Message:
    """Return a mail in parts; of each header only the beginning is read."""
    return message_from_bytes(data, policy=_BOUNDED)


def header_text(mail: Message, name: str) -> str:
    """Return a header, decoded, on one line, without control characters.

    It is empty if the mail has no such header.
    """
    value = str(mail.get(name, ""))
    with suppress(ValueError, LookupError, MessageError):
        value = str(make_header(decode_header(value)))
    return one_line(value, _LONGEST_HEADER)


def part_text(part: Message) -> str:
    """Return the beginning of a part's text, decoded; HTML without its tags."""
    data = part.get_payload(decode=True)
    if not isinstance(data, bytes):
        return ""
    data = data[: 4 * _LONGEST_TEXT]
    try:
        text = data.decode(part.get_content_charset() or "utf-8", "replace")
    except (LookupError, ValueError):  # a character set that does not exist, or is no name
        text = data.decode("latin-1")
    text = text[:_LONGEST_TEXT].replace("\r\n", "\n")
    if part.get_content_type() == "text/html":
        text = unescape(_TAG.sub("", _BLOCK_END.sub("\n", text)))
    return text


#: The first octets of a compound file (MS-CFB §2.2).
SIGNATURE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

# Properties (MS-OXPROPS), by their numbers.
_CLASS, _SUBJECT, _BODY, _HTML, _REPORT_TEXT = 0x001A, 0x0037, 0x1000, 0x1013, 0x1001
_HEADERS, _MESSAGE_ID, _ORIGINAL_ID = 0x007D, 0x1035, 0x1046
_SUBMITTED, _DELIVERED, _CODE_PAGE = 0x0039, 0x0E06, 0x3FDE
# Of the person who sent the mail, and of the person for whom it was sent: address by SMTP, any address, name.
_SENDER, _REPRESENTED = (0x5D01, 0x0C1F, 0x0C1A), (0x5D02, 0x0065, 0x0042)
_SMTP_ADDRESS, _ANY_ADDRESS, _SUPPLEMENT, _STATUS = 0x39FE, 0x3003, 0x0C1B, 0x0C20
_ATTACHED, _ATTACHED_AS, _FILE_NAME, _MIME_TYPE = 0x3701, 0x3705, 0x3707, 0x370E
_AS_MESSAGE = 5  # afEmbeddedMessage (MS-OXCMSG §2.2.2.9)

# Named properties: their set and number (MS-OXPROPS).
_MEETING = bytes.fromhex("90dad86e0b451b1098da00aa003f1305")
_APPOINTMENT = bytes.fromhex("0220060000000000c000000000000046")
_OBJECT_ID, _CLEAN_OBJECT_ID, _ANSWERED = (_MEETING, 0x03), (_MEETING, 0x23), (_MEETING, 0x01)
_SEQUENCE, _COUNTER = (_APPOINTMENT, 0x8201), (_APPOINTMENT, 0x8257)
_PROPOSED_START, _PROPOSED_END = (_APPOINTMENT, 0x8250), (_APPOINTMENT, 0x8251)

_PARTSTATS = {"pos": "ACCEPTED", "neg": "DECLINED", "tent": "TENTATIVE"}
_DEEPEST = 3  # mails in mails
_MOST = 50  # attachments, and recipients of a report
_BROKEN = (OSError, ValueError, LookupError, TypeError, AttributeError, struct.error, RecursionError)


def mail_from_msg(data: bytes) -> bytes:
    """Return the mail in a file of Outlook's own format.

    :raises ValueError: if the file cannot be read, or is not a message.
    """
    try:
        with OleFileIO(BytesIO(data)) as file:
            return _mail(_Storage(file, (), 32), _named(file), 0)
    except _BROKEN:
        raise ValueError(_("this Outlook message (.msg) cannot be read")) from None


@dataclass(frozen=True, slots=True)
class _Storage:
    """A storage of the file: the message itself, a recipient, an attachment.

    ``header`` is the length of the header of its stream of properties (MS-OXMSG §2.4).
    """

    file: OleFileIO
    path: tuple[str, ...]
    header: int

    def stream(self, name: str) -> bytes:
        path = [*self.path, name]
        return self.file.openstream(path).read() if self.file.exists(path) else b""

    def data(self, number: int) -> bytes:
        return self.stream(f"__substg1.0_{number:04X}0102")

    def text(self, number: int) -> str:
        wide = self.stream(f"__substg1.0_{number:04X}001F")
        if wide:
            return wide.decode("utf-16-le", "replace").rstrip("\0")
        narrow = self.stream(f"__substg1.0_{number:04X}001E")
        try:
            return narrow.decode("utf-8").rstrip("\0")
        except UnicodeDecodeError:
            return narrow.decode("cp1252", "replace").rstrip("\0")

    def fixed(self, number: int) -> bytes:
        """Return the eight octets of a property of fixed length, or nothing."""
        entries = self.stream("__properties_version1.0")[self.header :]
        for start in range(0, len(entries) - 15, 16):
            if struct.unpack_from("<H", entries, start + 2)[0] == number:
                return entries[start + 8 : start + 16]
        return b""

    def number(self, number: int) -> int | None:
        found = self.fixed(number)
        return int.from_bytes(found[:4], "little", signed=True) if found else None

    def moment(self, number: int) -> datetime | None:
        """Return a moment, stored in units of 100 ns since 1601 (MS-DTYP §2.3.3)."""
        found = int.from_bytes(self.fixed(number), "little")
        if not found:
            return None
        try:
            return datetime(1601, 1, 1, tzinfo=UTC) + timedelta(microseconds=found // 10)
        except OverflowError:
            return None

    def parts(self, kind: str) -> Iterator["_Storage"]:
        """Yield the recipients (``recip``) or the attachments (``attach``)."""
        for number in range(_MOST):
            name = f"__{kind}_version1.0_#{number:08X}"
            if not self.file.exists([*self.path, name]):
                return
            yield _Storage(self.file, (*self.path, name), 8)

    def embedded(self) -> "_Storage | None":
        name = f"__substg1.0_{_ATTACHED:04X}000D"
        inside = self.file.exists([*self.path, name, "__properties_version1.0"])
        return _Storage(self.file, (*self.path, name), 24) if inside else None


Names = dict[tuple[bytes, int], int]


def _named(file: OleFileIO) -> Names:
    """Return the numbers of the named properties (MS-OXMSG §2.2.3)."""
    names = _Storage(file, ("__nameid_version1.0",), 0)
    sets, entries = names.data(0x0002), names.data(0x0003)
    found = {}
    for start in range(0, len(entries) - 7, 8):
        name, kind, index = struct.unpack_from("<IHH", entries, start)
        at = 16 * ((kind >> 1) - 3)
        if not kind & 1 and at >= 0:
            found[sets[at : at + 16], name] = 0x8000 + index
    return found


def _mail(message: _Storage, names: Names, depth: int) -> bytes:
    kind = message.text(_CLASS).casefold()
    parts = [_text_part(message)]
    report = ""
    if kind.startswith("report."):
        report = "disposition-notification" if ".ipn" in kind else "delivery-status"
        parts += _report_parts(message, delivered=kind.endswith(".dr")) if report == "delivery-status" else []
    elif kind.startswith("ipm.schedule.meeting.resp."):
        parts += _reply_parts(message, names, _PARTSTATS.get(kind.rpartition(".")[2], ""))
    for attached in message.parts("attach"):
        part = _attached_part(attached, names, depth)
        report = "delivery-status" if part.startswith(b"Content-Type: message/delivery-status") else report
        parts.append(part)
    boundary = f"outlook-{depth}"
    whole = f"multipart/report; report-type={report}" if report else "multipart/mixed"
    mark = f"--{boundary}".encode()
    head = f'Content-Type: {whole}; boundary="{boundary}"\n'.encode() + _headers(message, kind).as_bytes()
    return head + b"".join(mark + b"\n" + part + b"\n" for part in parts if part) + mark + b"--\n"


def _headers(message: _Storage, kind: str) -> Message:
    """Return the headers with which the mail came, and those that can be made."""
    headers = Message()
    for name, value in parsed(message.text(_HEADERS).encode()).items():
        if not name.casefold().startswith(("content-", "mime-version")):
            headers[name] = _encoded(str(value))
    sender = _address(message, _SENDER, _REPRESENTED)
    made = {
        "From": formataddr((one_line(message.text(_SENDER[2])), sender), "utf-8") if sender else "",
        "Subject": _encoded(message.text(_SUBJECT)),
        "Message-ID": one_line(message.text(_MESSAGE_ID)),
    }
    moment = message.moment(_DELIVERED) or message.moment(_SUBMITTED)
    if moment:
        made["Date"] = format_datetime(moment)
    if kind.startswith("ipm.note.rules."):
        made["Auto-Submitted"] = "auto-replied"
    for name, text in made.items():
        if text and name not in headers:
            headers[name] = text
    return headers


def _encoded(text: str) -> str:
    line = one_line(text, 2000)
    return line if line.isascii() else Header(line, "utf-8", maxlinelen=10_000).encode()


def _address(message: _Storage, *people: tuple[int, int, int]) -> str:
    """Return the address of the first of these people who has one."""
    for smtp, other, _name in people:
        for number in (smtp, other):
            address = one_line(message.text(number), 320)
            # An address of Exchange itself (/o=…/cn=…) has no sign "@".
            if "@" in address and " " not in address:
                return address
    return ""


def _part(kind: str, data: bytes) -> bytes:
    return f"Content-Type: {kind}\nContent-Transfer-Encoding: base64\n\n".encode() + encodebytes(data)


def _text_part(message: _Storage) -> bytes:
    text = message.text(_BODY) or message.text(_REPORT_TEXT)
    if text.strip():
        return _part("text/plain; charset=utf-8", text.encode())
    charset = "utf-8" if message.number(_CODE_PAGE) in (None, 65001) else "cp1252"
    html = message.data(_HTML) or message.text(_HTML).encode()
    return _part(f"text/html; charset={charset}", html)


def _report_parts(message: _Storage, delivered: bool) -> Iterator[bytes]:
    """Yield the report on each recipient, and the Message-ID that it is about."""
    groups = ["Reporting-MTA: dns; outlook\n"]
    for person in message.parts("recip"):
        address = _address(person, (_SMTP_ADDRESS, _ANY_ADDRESS, 0))
        said = one_line(person.text(_SUPPLEMENT) or message.text(_SUPPLEMENT)).strip("<>")
        # Exchange writes "<server #5.1.1 smtp;550 5.1.1 unknown>".
        _server, _hash, behind = said.partition("#") if "#" in said else ("", "", said)
        status = re.search(r"[245]\.\d{1,3}\.\d{1,3}", behind)
        code, reply = status[0] if status else "", behind
        if status and behind.startswith(code) and len(behind) > len(code):
            reply = behind[len(code) :].strip()
        digits = str(person.number(_STATUS) or "")
        if not code and re.fullmatch(r"[245]\d\d", digits):
            code = ".".join(digits)
        fields = [
            f"Final-Recipient: rfc822; {address}",
            f"Action: {'delivered' if delivered else 'failed'}",
            f"Status: {code or ('2.0.0' if delivered else '5.0.0')}",
            f"Diagnostic-Code: {reply if ';' in reply[:8] else f'smtp; {reply}'}" if reply else "",
        ]
        groups.append("\n".join(filter(None, fields)) + "\n")
    yield _part("message/delivery-status", "\n".join(groups).encode())
    original = one_line(message.text(_ORIGINAL_ID))
    if original:
        yield _part("text/rfc822-headers", f"Message-ID: {original}\n".encode())


def _reply_parts(message: _Storage, names: Names, partstat: str) -> Iterator[bytes]:
    """Yield an answer to a meeting request as a calendar part."""
    uid = _uid(names.get(_CLEAN_OBJECT_ID), message) or _uid(names.get(_OBJECT_ID), message)
    attendee = _address(message, _REPRESENTED, _SENDER)
    if not (uid and attendee and partstat):
        return
    counter = _COUNTER in names and bool(message.number(names[_COUNTER]))
    stamp = _named_moment(message, names, _ANSWERED) or message.moment(_SUBMITTED) or message.moment(_DELIVERED)
    sequence = message.number(names[_SEQUENCE]) if _SEQUENCE in names else None
    comment = " ".join(message.text(_BODY)[:2000].split())
    for mark, escaped in (("\\", "\\\\"), (";", "\\;"), (",", "\\,")):
        comment = comment.replace(mark, escaped)
    lines = [
        *("BEGIN:VCALENDAR", "VERSION:2.0", f"METHOD:{'COUNTER' if counter else 'REPLY'}", "BEGIN:VEVENT"),
        *(f"UID:{uid}", f"ATTENDEE;PARTSTAT={partstat}:mailto:{attendee}", f"SEQUENCE:{max(sequence or 0, 0)}"),
        *(_moment_line("DTSTAMP", stamp), f"COMMENT:{comment}" if comment else ""),
    ]
    if counter:
        lines.append(_moment_line("DTSTART", _named_moment(message, names, _PROPOSED_START)))
        lines.append(_moment_line("DTEND", _named_moment(message, names, _PROPOSED_END)))
    text = "\r\n".join([*filter(None, lines), "END:VEVENT", "END:VCALENDAR", ""])
    yield _part("text/calendar; charset=utf-8", text.encode())


def _uid(number: int | None, message: _Storage) -> str:
    """Return the UID of an entry that another program than Outlook made.

    Outlook keeps it behind the mark "vCal-Uid" (MS-OXCICAL §2.1.3.1.1.20.26).
    """
    data = message.data(number) if number is not None else b""
    _before, mark, uid = data.partition(b"vCal-Uid")
    return one_line(uid[4:].partition(b"\0")[0].decode("utf-8", "replace"), 255) if mark else ""


def _named_moment(message: _Storage, names: Names, name: tuple[bytes, int]) -> datetime | None:
    return message.moment(names[name]) if name in names else None


def _moment_line(name: str, moment: datetime | None) -> str:
    return f"{name}:{moment:%Y%m%dT%H%M%SZ}" if moment else ""


def _attached_part(attached: _Storage, names: Names, depth: int) -> bytes:
    """Return an attached mail, calendar or report; other attachments are left out."""
    kind, name = attached.text(_MIME_TYPE).casefold(), attached.text(_FILE_NAME).casefold()
    inside = attached.embedded() if attached.number(_ATTACHED_AS) == _AS_MESSAGE else None
    whole = b"Content-Type: message/rfc822\n\n"
    if inside is not None:
        return whole + _mail(inside, names, depth + 1) if depth < _DEEPEST else b""
    data = attached.data(_ATTACHED)
    if kind == "message/delivery-status":
        return _part(kind, data)
    if kind in ("text/calendar", "application/ics") or name.endswith(".ics"):
        return _part("text/calendar", data)
    if kind in ("message/rfc822", "text/rfc822-headers") or name.endswith(".eml"):
        return whole + data
    return b""
