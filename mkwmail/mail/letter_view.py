"""The decoded content of a letter, with its holes still open, and where its sentences are written.

The parts that no value changes are decoded from their encoded bytes, as a mail program does. A preview therefore shows
the mail that is sent, not the mail that was intended.

A passage is a line of the user's files or of a template, with the words that a mail may have from it. The page compares
a sentence with them by its words, because a mail has no trace of the line that a word came from.
"""

import re
from base64 import b64encode
from binascii import a2b_base64
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import NamedTuple

from jinja2 import nodes

from mkwmail.config.event import Event
from mkwmail.config.yaml_document import Document, Loc
from mkwmail.dutch.dates import date_in_short, date_without_year, range_in_prose, range_in_table
from mkwmail.mail.compose import Addressed
from mkwmail.mail.icalendar import fold
from mkwmail.mail.letter import (
    BodyLine,
    CalendarFile,
    Fixed,
    HeaderField,
    Letter,
    PersonalParts,
    Piece,
    ToField,
    base64_lines,
    quoted_printable,
)
from mkwmail.mail.merge import PersonalFile, Segments, files_in, files_value, fill
from mkwmail.mail.templates import Templates


@dataclass(frozen=True, slots=True)
class Field:
    """A header field.

    ``text`` is None for the field with the recipient's name and address.
    """

    name: str
    text: Segments | None


@dataclass(frozen=True, slots=True)
class File:
    """An attachment.

    ``octets`` is its own size; for a calendar its ``lines`` determine the size (:meth:`size`).
    """

    name: str
    content_type: str
    octets: int
    lines: tuple[Segments | bytes, ...] = ()

    def size(self, values: Mapping[str, str]) -> int:
        """Return its size in octets with the holes filled."""
        folded = (line if isinstance(line, bytes) else fold(fill(line, values)) for line in self.lines)
        return self.octets + sum(map(len, folded))


@dataclass(frozen=True, slots=True)
class LetterView:
    """The decoded content of a letter, line by line.

    Lines of ``calendar`` are unfolded (RFC 5545 §3.1). A line of ``text`` with a hole in it is not wrapped yet
    (:func:`mkwmail.mail.letter.wrapped`). ``images`` are the embedded images, as data URLs (RFC 2397) by their
    Content-ID.
    """

    head: tuple[Field, ...]
    text: tuple[Segments, ...]
    html: tuple[Segments, ...]
    calendar: tuple[Segments, ...]
    files: tuple[File, ...]
    images: Mapping[str, str]


# Placeholders for pieces with holes while the rest is parsed: characters that input may not contain
# (merge.PRIVATE_USE), and a header field's name.
_STAND_IN = re.compile("\ue500([0-9]+)\ue501")
_STAND_IN_FIELD = "X-Piece-"
_LONGEST = 32  # octets; more than any placeholder has


# A file in base64 (RFC 2045 §6.8). The parser works line by line, which is slow for a large file.
_BASE64 = re.compile(rb"(?:[A-Za-z0-9+/]{76}\r\n)+(?:[A-Za-z0-9+/]{0,75}={0,2}\r\n)?")


def opened(letter: Letter) -> LetterView:
    """Return the letter's parts, decoded."""
    wire = b"".join(_stand_in(number, piece) for number, piece in enumerate(letter.pieces))
    mail = message_from_bytes(wire, _class=EmailMessage, policy=policy.default)
    parts = [part for part in mail.walk() if not part.is_multipart()]
    inline = {part.get_content_type(): part for part in reversed(parts) if not part.get_content_disposition()}
    files = tuple(_file(part, letter) for part in parts if part.get_content_disposition() == "attachment")
    return LetterView(
        head=tuple(_field(name, str(value), letter) for name, value in mail.items()),
        text=_lines(inline.get("text/plain"), letter),
        html=_lines(inline.get("text/html"), letter),
        calendar=_calendar(files),
        files=files,
        images=dict(_image(part, letter) for part in parts if part["Content-ID"]),
    )


def _stand_in(number: int, piece: Piece) -> bytes:
    match piece:
        case Fixed():
            return _base64_stand_in(number) if _BASE64.fullmatch(piece.data) else piece.data
        case BodyLine():
            return quoted_printable(f"\ue500{number}\ue501")
        case CalendarFile():
            return _base64_stand_in(number)
        case PersonalParts():
            return b""
        case HeaderField() | ToField():
            return f"{_STAND_IN_FIELD}{number}: .\r\n".encode("ascii")


def _base64_stand_in(number: int) -> bytes:
    return base64_lines(f"\ue500{number}\ue501".encode())


def _field(name: str, value: str, letter: Letter) -> Field:
    if not name.startswith(_STAND_IN_FIELD):
        return Field(name, (value,))
    piece = letter.pieces[int(name.removeprefix(_STAND_IN_FIELD))]
    if isinstance(piece, HeaderField):
        return Field(piece.name, piece.segments)
    assert isinstance(piece, ToField)
    return Field(piece.name, None)


def _lines(part: EmailMessage | None, letter: Letter) -> tuple[Segments, ...]:
    if part is None:
        return ()
    said = str(part.get_content()).replace("\r\n", "\n")
    return tuple(_segments(line, letter) for line in said.split("\n"))


def _calendar(files: Iterable[File]) -> tuple[Segments, ...]:
    """Return the unfolded lines of the attached calendar entry, which every mail with an entry has."""
    lines = next((file.lines for file in files if file.lines), ())
    return tuple(unfolded for line in lines for unfolded in _unfolded(line))


def _unfolded(line: Segments | bytes) -> Iterator[Segments]:
    if not isinstance(line, bytes):
        yield line
        return
    for text in line.decode().replace("\r\n ", "").split("\r\n"):
        if text:
            yield (text,)


def _segments(line: str, letter: Letter) -> Segments:
    found = _STAND_IN.fullmatch(line)
    if found is None:
        return (line,) if line else ()
    piece = letter.pieces[int(found[1])]
    assert isinstance(piece, BodyLine)
    return piece.segments


def _octets(part: EmailMessage, letter: Letter) -> bytes | CalendarFile:
    """Return a part's data, or the piece of the letter that it comes from."""
    data = part.get_payload(decode=True)
    assert isinstance(data, bytes)
    found = _STAND_IN.fullmatch(data.decode(errors="ignore")) if len(data) < _LONGEST else None
    if found is None:
        return data
    piece = letter.pieces[int(found[1])]
    assert isinstance(piece, Fixed | CalendarFile)
    return a2b_base64(piece.data) if isinstance(piece, Fixed) else piece


def _file(part: EmailMessage, letter: Letter) -> File:
    data = _octets(part, letter)
    name, content_type = part.get_filename() or "", part.get_content_type()
    if isinstance(data, CalendarFile):
        return File(name, content_type, 0, data.lines)
    return File(name, content_type, len(data))


def _image(part: EmailMessage, letter: Letter) -> tuple[str, str]:
    data = _octets(part, letter)
    assert isinstance(data, bytes)
    url = f"data:{part.get_content_type()};base64,{b64encode(data).decode('ascii')}"
    return str(part["Content-ID"]).strip("<>"), url


# In Dutch, like the mails that contain them.
_WORDS = {
    "member.first_name": "«voornaam»",
    "member.initials": "«voorletters»",
    "member.prefix": "«tussenvoegsel»",
    "member.surname": "«achternaam»",
    "member.name": "«naam»",
    "member.organisation": "«organisatie»",
    "member.function": "«functie»",
    "member.number": "«lidnummer»",
    "member.email": "«e-mailadres»",
    "to_name": "«naam»",
    "to_address": "naam@example.org",
    "signup_link": "https://example.org/aanmelden",
    "decline_link": "mailto:naam@example.org",
    "token": "[mkw-voorbeeld]",
    "choices": "«keuzes»",
    "uid": "voorbeeld@mkwmail",
    "message_id": "voorbeeld@example.org",
}


def invented(values: Mapping[str, str]) -> dict[str, str]:
    """Return the values with all personal data replaced, but not dates."""
    return {field: _invented(field, value) for field, value in values.items()}


def _invented(field: str, value: str) -> str:
    if field in ("date", "dtstamp"):
        return value
    if field == "files":
        own = [PersonalFile("«bestand»", *each[1:]) for each in files_in({field: value})]
        return files_value(own)
    if field.startswith("file."):
        return "«bestand»"
    if field == "salutation":
        return f"{value.partition(' ')[0]} «naam»"
    if field.startswith("copy_of."):
        field = field.rpartition(".")[2]
    return _WORDS.get(field, f"«{field.removeprefix('member.')}»")


_SHORTEST = 3  # characters; a shorter value can occur in a mail by chance


def names_its_members(opened: LetterView, addressed: Iterable[Addressed]) -> bool:
    """Return whether the letter's fixed text identifies its members.

    It does if a template cut or changed a value instead of printing it. A letter of several members does not identify
    them only because it names one of them, such as a host.
    """
    words = fixed_words(opened)
    return all(one.direct or any(value in words for value in _telling(one)) for one in addressed)


def _telling(one: Addressed) -> list[str]:
    parts: list[str] = []
    for each in (one.addressee, *one.addressee.copy_of):
        member, name = each.member, each.member.name
        parts += (name.first, name.surname, name.written)
        parts += (member.email, member.organisation, member.number, each.code)
    return [f" {plain_words(part)} " for part in parts if len(part) >= _SHORTEST]


def fixed_words(opened: LetterView) -> str:
    """Return the words of all that no value changes, as :func:`plain_words` does, with a space at either end."""
    lines: list[Segments] = [*opened.text, *opened.html, *opened.calendar]
    lines.extend(field.text for field in opened.head if field.text)
    fixed = (segment for line in lines for segment in line if isinstance(segment, str))
    return f" {plain_words(' '.join(fixed))} "


def plain_words(text: str) -> str:
    """Return the words of a text in lower case, with one space between them."""
    return " ".join(re.findall(r"\w+", text.casefold()))


class Passage(NamedTuple):
    """A line of a file.

    ``place`` is the file with the line: ``events/x.yaml:12``. ``texts``: the words of the line that a mail may have.
    ``copied_by``: the template to copy before the line can be changed; empty for a line of the user's own file.
    """

    place: str
    texts: tuple[str, ...]
    copied_by: str = ""


def event_passages(document: Document, event: Event, mailing: str) -> Iterator[Passage]:
    """Yield the lines of the event's file, except those of other mailings.

    The moments have the words that mails have for them.
    """
    starts, ends = event.starts, event.ends
    moments: dict[Loc, tuple[str, ...]] = {("starts",): (date_without_year(starts), date_in_short(starts))}
    if ends.date() == starts.date():
        moments["starts",] += (range_in_table(starts.time(), ends.time()), range_in_prose(starts.time(), ends.time()))
    else:
        moments["ends",] = (date_without_year(ends),)
    if event.registration is not None and event.registration.deadline is not None:
        moments["registration", "deadline"] = (date_without_year(event.registration.deadline),)
    for loc, words in moments.items():
        node = document.node(loc)
        if node is not None:
            yield Passage(f"{document.shown}:{node.line}", words)
    yield from _passages(document, lambda loc: loc[0] != "mailings" or loc[1] == mailing)


# The settings whose words are in mails; others, such as the mail server's, are not for a page.
_SAID: Sequence[Loc] = (("association",), ("footer",), ("sender", "name"), ("sender", "role"), ("sender", "phone"))


def settings_passages(document: Document) -> Iterator[Passage]:
    """Yield the lines of the settings that mails show."""
    return _passages(document, lambda loc: loc in _SAID)


def _passages(document: Document, is_wanted: Callable[[Loc], bool]) -> Iterator[Passage]:
    for loc, node, text in document.texts():
        if not loc or not is_wanted(loc) or loc in (("starts",), ("ends",), ("registration", "deadline")):
            continue
        if node.line == node.end_line:
            yield Passage(f"{document.shown}:{node.line}", (text,))
            continue
        for number in range(node.line, min(node.end_line, len(document.lines)) + 1):
            line = document.lines[number - 1][node.column - 1 if number == node.line else 0 :].strip()
            yield Passage(f"{document.shown}:{number}", (line,))


_SMALL_WORD = re.compile(r"[\W_]*[a-zé-]+[\W_]*")


def template_passages(templates: Templates, names: Iterable[str], own: Iterable[str]) -> Iterator[Passage]:
    """Yield the lines of these templates that have words of their own.

    ``own``: those that are in the working folder.
    """
    mine = frozenset(own)
    for name in names:
        texts: dict[int, list[str]] = {}
        tree = templates.parsed(name)
        printed = [(node.lineno, node.data) for node in tree.find_all(nodes.TemplateData)]
        values = [(node.lineno, node.value) for node in tree.find_all(nodes.Const) if isinstance(node.value, str)]
        for first, said in (*printed, *values):
            for number, line in enumerate(said.split("\n"), start=first):
                texts.setdefault(number, []).append(re.sub(r"<[^>]*>", " ", line).strip())
        for number, found in sorted(texts.items()):
            # A single small word, such as one of a list to compare with, tells nothing.
            if words := tuple(text for text in found if plain_words(text) and not _SMALL_WORD.fullmatch(text)):
                yield Passage(f"templates/{name}:{number}", words, "" if name in mine else name)


def heard(passages: Iterable[Passage], words: str) -> Iterator[Passage]:
    """Yield the passages with a text whose first two words are in a mail.

    ``words``: those of the mail (:func:`mkwmail.mail.letter_view.fixed_words`).
    """
    for passage in passages:
        starts = [(text, plain_words(text).split()[:2]) for text in passage.texts]
        texts = tuple(text for text, first in starts if first and f" {' '.join(first)} " in words)
        if texts:
            yield passage._replace(texts=texts)
