"""Saved mails as bytes: .eml files, mbox files, Maildirs and folders."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mkwmail.errors import Fault, UserError
from mkwmail.files import reason_of
from mkwmail.i18n import _

LARGEST_FILE = 256 << 20  # octets: a whole mailbox of reports

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # Outlook's own .msg (MS-CFB §2.2)
# A separator is at the start of the file or after a blank line (RFC 4155, appendix A).
_FROM_LINE = re.compile(rb"(?:\A|(?<=\n\n)|(?<=\n\r\n))From [^\r\n]*\r?\n")
_QUOTED_FROM = re.compile(rb"(?m)^>(>*From )")
_ENDINGS = (".eml", ".mbox", ".mbx", ".mbs", ".txt")


@dataclass(frozen=True, slots=True)
class SavedMail:
    """One mail (RFC 5322) as it was saved.

    ``place`` is the path of its file; for a mail in an mbox file, the mail's number follows.
    """

    place: str
    data: bytes


def read_saved(paths: Iterable[Path]) -> tuple[SavedMail, ...]:
    """Return all mails in the files and folders, in the order of their names.

    :raises UserError: with all files that cannot be read as mails, or if there is no mail at all.
    """
    faults: list[Fault] = []
    found: list[SavedMail] = []
    given = tuple(paths)
    for path in given:
        for file in _files(path):
            try:
                found += _mails(file)
            except UserError as error:
                faults += error.faults
    if not faults and not found:
        place = ", ".join(map(str, given))
        remedy = _("save the reports as .eml files, or name a folder that holds them")
        faults.append(Fault(place, _("there is no mail in it"), remedy))
    if faults:
        raise UserError(*faults)
    return tuple(found)


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
            elif _is_visible_file(each) and each.suffix.casefold() in (*_ENDINGS, ".msg", ""):
                yield each


def _is_visible_file(path: Path) -> bool:
    return path.is_file() and not path.name.startswith(".")


def _mails(path: Path) -> list[SavedMail]:
    data = _bytes(path)
    if data.startswith(_OLE):
        fault = _("this is Outlook's own format (.msg), which only Outlook reads")
        remedy = _(
            "open it in Outlook on the web or in the new Outlook, choose Download or Save as, and save it as .eml; "
            "or forward the reports as attachments to a mailbox from which you can save them"
        )
        raise UserError(Fault(str(path), fault, remedy))
    if b"\0" in data[:4096]:
        raise UserError(Fault(str(path), _("this is no mail: it holds NUL bytes"), _("save the mail as .eml")))
    if not data.strip():
        return []
    starts = list(_FROM_LINE.finditer(data)) if data.startswith(b"From ") else []
    if not starts:
        return [SavedMail(str(path), data)]
    ends = [*(each.start() for each in starts[1:]), len(data)]
    return [
        SavedMail(f"{path}:{number}", _QUOTED_FROM.sub(rb"\1", data[start.end() : end]))
        for number, (start, end) in enumerate(zip(starts, ends, strict=True), start=1)
    ]


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except FileNotFoundError:
        raise UserError(Fault(str(path), _("the file is not there"))) from None
    except OSError as error:
        fault = _("the file cannot be read: %(reason)s") % {"reason": reason_of(error)}
        raise UserError(Fault(str(path), fault)) from None
    if len(data) > LARGEST_FILE:
        fault = _("the file is larger than %(megabytes)d MB") % {"megabytes": LARGEST_FILE >> 20}
        raise UserError(Fault(str(path), fault, _("save the reports alone, without the rest of the mailbox")))
    return data
