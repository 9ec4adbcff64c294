"""Saved mails as bytes: .eml and .msg files, mbox files, Maildirs and folders."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from mkwmail.errors import Fault, UserError, user_error
from mkwmail.files import reason_of
from mkwmail.i18n import _
from mkwmail.responses.calendar_replies import is_calendar
from mkwmail.responses.outlook import SIGNATURE, mail_from_msg

LARGEST_FILE = 256 << 20  # octets: a whole mailbox of reports
_MOST_MAILS = 20_000  # of one mbox file
_LONGEST_HEADER = 100_000  # octets in which the header's fields are looked for

# A separator is at the start of the file or after a blank line (RFC 4155, appendix A).
_FROM_LINE = re.compile(rb"(?:\A|(?<=\n\n)|(?<=\n\r\n))From [^\r\n]*\r?\n")
_QUOTED_FROM = re.compile(rb"(?m)^>(>*From )")
# A mail begins with header fields, and at least one of these is there (RFC 5322 §3.6).
_FIELDS = re.compile(
    rb"(?im)^(?:from|to|subject|date|sender|reply-to|received|return-path|delivered-to|message-id|mime-version|"
    rb"content-type|x-[\w-]+)[ \t]*:"
)
_ENDINGS = (".eml", ".msg", ".ics", ".mbox", ".mbx", ".mbs", ".txt", "")


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
            if file != path and file.suffix.casefold() not in _ENDINGS and file.parent.name not in ("cur", "new"):
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


def _is_mail(data: bytes) -> bool:
    """Check whether a file begins as a mail does: with its header, up to an empty line."""
    header = re.split(rb"\r?\n[ \t]*\r?\n", data.lstrip(b"\xef\xbb\xbf \t\r\n")[:_LONGEST_HEADER], maxsplit=1)[0]
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
        raise UserError(Fault(str(path), fault, _("save the reports alone, without the rest of the mailbox")))
    return data
