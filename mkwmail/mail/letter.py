"""Letters, the messages made from them, and the encoding of both.

A letter is one mailing's mail, composed once; addressed to a member it becomes a message. It is a sequence of pieces:
bytes that are the same in every message, already encoded, and between them the header fields and lines that a member's
values change.
"""

import binascii
import json
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from email.header import Header
from email.message import Message as Structure
from email.policy import compat32
from enum import StrEnum
from functools import lru_cache, partial
from hashlib import sha256
from itertools import groupby
from typing import Any, NamedTuple

from mkwmail.mail.icalendar import fold
from mkwmail.mail.merge import HANG, Escaping, PersonalFile, Placeholder, Segments, files_in, fill, filler, hang_of


class Message(NamedTuple):
    """One mail for one recipient (RFC 5322), with its SMTP envelope.

    The envelope is that of RFC 5321 §2.3.1. ``chunks`` joined are the bytes on the wire before dot-stuffing: ASCII,
    CRLF line ends, ending in CRLF. There are several chunks, so that messages share bytes such as attachments in
    memory. ``dotless``: it is known that no line begins with a dot, so no dot has to be doubled (RFC 5321 §4.5.2).
    ``digest`` is the letter's digest of these bytes (:meth:`Letter.address`). ``personal``: it may have personal files.
    """

    sender: str
    recipient: str
    message_id: str
    chunks: tuple[bytes, ...]
    dotless: bool = False
    digest: str = ""
    personal: bool = False

    @property
    def data(self) -> bytes:
        """Return the whole message."""
        return b"".join(self.chunks)

    @property
    def size(self) -> int:
        """Return its length in octets, as SIZE counts it (RFC 1870)."""
        return sum(map(len, self.chunks))


WIDTH = 76  # plain text: a readable width, and RFC 2045's own limit for quoted-printable


class LineKind(StrEnum):
    """The kind of a line, which decides how it is broken."""

    HTML = "html"  # broken only by quoted-printable
    TEXT = "text"  # wrapped at words
    CALENDAR = "calendar"  # folded at 75 octets (RFC 5545 §3.1)


def wrapped(line: str) -> list[str]:
    """Wrap a line of plain text to lines of at most 76 characters.

    A longer word, such as a link, stays whole. A hang sign in the line gives the indent of the lines after the first.
    """
    sign = HANG.search(line)
    if sign is None and len(line) <= WIDTH:
        return [line.rstrip()]
    indent = len(line) - len(line.lstrip(" ")) if sign is None else hang_of(sign[0])
    line = HANG.sub("", line)
    if len(line) <= WIDTH:
        return [line.rstrip()]
    lines: list[str] = []
    # Not textwrap: it takes a third of the time in which a message is made.
    first, *words = line.lstrip(" ").expandtabs().split(" ")
    now = " " * (len(line) - len(line.lstrip(" "))) + first
    for word in words:
        if len(now) + 1 + len(word) <= WIDTH:
            now += f" {word}"
        elif word:
            lines.append(now.rstrip(" "))
            now = " " * indent + word
    return [*lines, now.rstrip(" ")]


def quoted_printable(line: str) -> bytes:
    """Return one line as quoted-printable, with its CRLF.

    A dot at its start and mbox's "From " are encoded too.
    """
    return _quoted_printable(line.encode())


def _quoted_printable(line: bytes) -> bytes:
    encoded = binascii.b2a_qp(line, istext=False).replace(b"=\n", b"=\r\n")
    if encoded.startswith((b".", b"From ")):
        encoded = _short(b"=%02X%s" % (encoded[0], encoded[1:]))
    return encoded + b"\r\n"


def _short(encoded: bytes) -> bytes:
    # The three octets of an encoded first character may push the line over its limit (RFC 2045 §6.7 rule 5).
    first, rest, others = encoded.partition(b"\r\n")
    limit = WIDTH
    if len(first) <= limit:
        return encoded
    body = first.removesuffix(b"=")
    cut = limit - 1
    while b"=" in body[max(cut - 2, 0) : cut]:
        cut -= 1
    return body[:cut] + b"=\r\n" + body[cut:] + (b"=" if rest else b"") + rest + others


def _text_lines(line: str) -> bytes:
    return b"".join([quoted_printable(part) for part in wrapped(line)])


def _calendar_line(line: str) -> bytes:
    return b"".join([_quoted_printable(part) for part in fold(line).splitlines()])


ENCODERS: Mapping[LineKind, Callable[[str], bytes]] = {
    LineKind.HTML: quoted_printable,
    LineKind.TEXT: _text_lines,
    LineKind.CALENDAR: _calendar_line,
}


BASE64_STEP = 57
"""The octets in one line of base64."""


def base64_lines(data: bytes) -> bytes:
    """Return octets as base64 in lines of 76 characters (RFC 2045 §6.8).

    Each line ends with CRLF.
    """
    encoded = binascii.b2a_base64(data, newline=False)
    return b"".join([encoded[at : at + WIDTH] + b"\r\n" for at in range(0, len(encoded), WIDTH)])


_ATOM_WORDS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
_LIMIT = 78  # RFC 5322 §2.1.1: lines should be no longer
_ENCODED_WORD = "=?"


def unstructured(name: str, text: str) -> bytes:
    """Return a field of free text, such as Subject.

    ASCII text stays as it is; other text becomes encoded words. White space is collapsed, so that no value can begin
    another field.
    """
    return f"{name}: {_words(' '.join(text.split()), len(name) + 2)}\r\n".encode("ascii")


def mailbox(name: str, display: str, address: str) -> bytes:
    """Return a field with one mailbox (RFC 5322 §3.4).

    An example is ``To: "Jansen, Kim" <kim@example.org>``.
    """
    display = " ".join(display.split())
    if not display:
        return f"{name}: {address}\r\n".encode("ascii")
    phrase = _phrase(display, len(name) + 2)
    last = phrase.rsplit("\n", 1)[-1]
    start = len(name) + 2 if last == phrase else 0
    gap = " " if start + len(last) + len(address) + 3 <= _LIMIT else "\r\n "
    return f"{name}: {phrase}{gap}<{address}>\r\n".encode("ascii")


def verbatim(name: str, text: str) -> bytes:
    """Return a field whose text is a token, never encoded or folded.

    Tokens are identifiers, dates and addresses. Python's email package would turn a token of more than about 78
    characters into an encoded word (cpython #85725).
    """
    return f"{name}: {text}\r\n".encode("ascii")


def _phrase(text: str, start: int) -> str:
    if not text.isascii() or _ENCODED_WORD in text or not text.isprintable():
        return _encoded_word(text, start)
    if _ATOM_WORDS.fullmatch(text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _words(text: str, start: int) -> str:
    if not text.isascii() or _ENCODED_WORD in text or not text.isprintable():
        return _encoded_word(text, start)
    if any(len(word) > _LIMIT - 2 for word in text.split(" ")):
        return _encoded_word(text, start) if len(text) + start > _LIMIT else text
    lines: list[str] = []
    width = _LIMIT - start
    for word in text.split(" "):
        if lines and len(lines[-1]) + 1 + len(word) <= width:
            lines[-1] += f" {word}"
        else:
            width = width if not lines else _LIMIT - 1
            lines.append(word)
    return "\r\n ".join(lines)


def _encoded_word(text: str, start: int) -> str:
    """Return encoded words of at most 75 characters (RFC 2047 §2, §5). No word ends inside a character."""
    return Header(text, "utf-8", maxlinelen=_LIMIT - 2, header_name="x" * max(start - 2, 1)).encode(linesep="\r\n")


FORMAT = 1
"""The version of the format of stored letters.

Every later version must be able to read a stored letter.
"""


class FieldKind(StrEnum):
    """The way in which a header field's text is written."""

    UNSTRUCTURED = "unstructured"  # free text (RFC 5322 §3.6.5)
    VERBATIM = "verbatim"  # an identifier, a date


@dataclass(frozen=True, slots=True)
class Fixed:
    """Bytes that every message of the letter has."""

    data: bytes


@dataclass(frozen=True, slots=True)
class HeaderField:
    """A header field that contains values."""

    name: str
    kind: FieldKind
    segments: Segments


@dataclass(frozen=True, slots=True)
class BodyLine:
    """A line of a body that contains values.

    It is broken and encoded when the values are known.
    """

    kind: LineKind
    segments: Segments


@dataclass(frozen=True, slots=True)
class CalendarFile:
    """A calendar as an attached file, in base64.

    It has content lines that contain values, and bytes: other lines, already folded.
    """

    lines: tuple[Segments | bytes, ...]


@dataclass(frozen=True, slots=True)
class ToField:
    """The To field."""

    name: str = "To"


Content = Callable[[str], bytes]
"""A function that returns the content of a personal file by its SHA-256."""


def no_content(sha256: str) -> bytes:
    """Return no content: the letter has no personal files."""
    raise KeyError(sha256)


def filename_parameter(name: str) -> dict[str, str | tuple[str, None, str]]:
    """Return the parameter ``filename`` of a Content-Disposition.

    A name outside ASCII is written as RFC 2231 defines.
    """
    if not name:
        return {}
    return {"filename": name if name.isascii() else ("utf-8", None, name)}


@dataclass(frozen=True, slots=True)
class PersonalParts:
    """The parts with the personal files of a message, with this boundary."""

    boundary: str

    def chunks(self, files: Iterable[PersonalFile], content: Content) -> Iterator[bytes]:
        """Yield a head and a body in base64 for each file."""
        for file in files:
            part = Structure()
            part.add_header("Content-Type", file.content_type)
            part["Content-Transfer-Encoding"] = "base64"
            part.add_header("Content-Disposition", "attachment", **filename_parameter(file.name))
            head = part.as_bytes(policy=compat32.clone(linesep="\r\n", max_line_length=None))
            yield b"--" + self.boundary.encode("ascii") + b"\r\n" + head
            yield base64_lines(content(file.sha256))


Piece = Fixed | HeaderField | BodyLine | CalendarFile | ToField | PersonalParts


@dataclass(frozen=True, slots=True)
class Letter:
    """One mailing's mail as its pieces.

    ``sender`` is the address of the envelope and of the From field.
    """

    sender: str
    pieces: tuple[Piece, ...]
    _form: "_Form" = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_form", _form(self.pieces))

    @property
    def fields(self) -> frozenset[str]:
        """Return the fields that :meth:`address` needs in ``values``."""
        found = {"to_name", "to_address", "message_id", "date", "dtstamp"}
        for piece in self.pieces:
            for segments in _segments_of(piece):
                found |= _fields_of(segments)
        return frozenset(found | ({"files"} if self._form.personal else set()))

    @property
    def is_personal(self) -> bool:
        """True if each message has files of its own."""
        return self._form.personal is not None

    def address(self, values: Mapping[str, str], content: Content = no_content) -> Message:
        """Return the message for one member.

        The same letter and values always give the same bytes. ``values`` has every field of :attr:`fields`, among them
        ``to_name``, ``to_address``, ``message_id`` (without angle brackets), ``date`` (RFC 5322 §3.3) and ``dtstamp``
        (RFC 5545 §3.3.5, UTC). ``content`` gives the personal files that the value ``files`` names.

        The ``digest`` is the SHA-256 of the hash of all fixed bytes, followed by the bytes made from the values. It
        identifies the message as well as a hash of the whole, without hashing the fixed bytes again for every member.
        """
        form = self._form
        parts = list(form.fixed)
        for place, make in form.open:
            parts[place] = make(values)
        made = b"\n".join([b"", *[parts[place] for place, _make in form.open]])
        digest = sha256(form.sha256)
        for at in range(0, len(made), _HASHED):
            digest.update(made[at : at + _HASHED])
        return Message(
            self.sender,
            values["to_address"],
            values["message_id"],
            self._chunks(parts, values, content),
            # Each piece begins a line.
            form.dotless and b"\n." not in made,
            digest.hexdigest(),
            self.is_personal,
        )

    def _chunks(self, parts: Sequence[bytes], values: Mapping[str, str], content: Content) -> tuple[bytes, ...]:
        if self._form.personal is None:
            return tuple([b"".join(parts[chunk]) for chunk in self._form.chunks])
        place, piece = self._form.personal
        chunks: list[bytes] = []
        for chunk in self._form.chunks:
            chunks += piece.chunks(files_in(values), content) if chunk.start == place else [b"".join(parts[chunk])]
        return tuple(chunks)

    def dump(self) -> bytes:
        """Return the letter as bytes for storage."""
        kept = {"format": FORMAT, "sender": self.sender, "pieces": [_to_json(piece) for piece in self.pieces]}
        return json.dumps(kept, ensure_ascii=True, separators=(",", ":")).encode("ascii")

    @classmethod
    def load(cls, kept: bytes) -> "Letter":
        """Return the letter from the bytes of :meth:`dump`."""
        read = json.loads(kept)
        return cls(read["sender"], tuple(_from_json(piece) for piece in read["pieces"]))


_HASHED = 2_047  # octets; for more at once hashlib gives Python's lock to any thread that waits for it
_SHARED = 16_384  # octets; longer fixed pieces are held once for all messages instead of copied into each

_Step = bytes | Callable[[Mapping[str, str]], bytes]
"""A piece in the form that addressing uses.

It is fixed bytes, or a function that makes the bytes from a member's values.
"""


@dataclass(frozen=True, slots=True)
class _Form:
    """A letter in the form that addressing uses.

    ``fixed``: the bytes of every piece, empty if it is ``open`` to values. ``chunks``: the pieces that make up each
    chunk of the message. ``sha256``: of all fixed bytes. ``dotless``: none of their lines begins with a dot.
    ``personal``: the place of the personal files.
    """

    fixed: tuple[bytes, ...]
    open: tuple[tuple[int, Callable[[Mapping[str, str]], bytes]], ...]
    chunks: tuple[slice, ...]
    sha256: bytes
    dotless: bool
    personal: tuple[int, PersonalParts] | None


def _form(pieces: Iterable[Piece]) -> _Form:
    pieces = tuple(pieces)
    steps = tuple(map(_step, pieces))
    fixed = tuple(step if isinstance(step, bytes) else b"" for step in steps)
    personal = next(((place, each) for place, each in enumerate(pieces) if isinstance(each, PersonalParts)), None)
    alone = {place for place, data in enumerate(fixed) if len(data) > _SHARED} | {personal[0] if personal else -1}
    runs = groupby(range(len(steps)), lambda place: place if place in alone else -1)
    places = [list(run) for _kind, run in runs]
    return _Form(
        fixed,
        tuple((place, step) for place, step in enumerate(steps) if not isinstance(step, bytes)),
        tuple(slice(run[0], run[-1] + 1) for run in places),
        sha256(b"\n".join(fixed)).digest(),
        all(map(_dotless, fixed)),
        personal,
    )


_MOMENT_FIELDS = frozenset({"date", "dtstamp"})
"""The fields that all messages of one second share."""


def _segments_of(piece: Piece) -> tuple[Segments, ...]:
    match piece:
        case HeaderField() | BodyLine():
            return (piece.segments,)
        case CalendarFile():
            return tuple(line for line in piece.lines if not isinstance(line, bytes))
        case _:
            return ()


def _dotless(data: bytes) -> bool:
    return not data.startswith(b".") and b"\n." not in data


def _step(piece: Piece) -> _Step:
    match piece:
        case Fixed():
            return piece.data
        case ToField():
            return lambda values: mailbox(piece.name, values["to_name"], values["to_address"])
        case BodyLine():
            return _filled(piece.segments, ENCODERS[piece.kind])
        case HeaderField():
            write = unstructured if piece.kind is FieldKind.UNSTRUCTURED else verbatim
            return _filled(piece.segments, partial(write, piece.name))
        case CalendarFile():
            return _calendar_file(piece)
        case PersonalParts():
            # For the digest, the files are named by their hashes; their content is added in chunks of its own.
            return lambda values: values["files"].encode()


def _filled(segments: Segments, encode: Callable[[str], bytes]) -> _Step:
    """Return a function that fills and encodes the segments.

    If they depend only on the moment, it encodes them once for all messages of that moment.
    """
    fill_in = filler(segments)
    if _fields_of(segments) - _MOMENT_FIELDS:
        return lambda values: encode(fill_in(values))
    encode_once = lru_cache(maxsize=2)(encode)
    return lambda values: encode_once(fill_in(values))


def _calendar_file(file: CalendarFile) -> _Step:
    """Return a function that writes the file.

    The part of its beginning that no value can move is encoded in base64 in advance.
    """
    first, *rest = file.lines if isinstance(file.lines[0], bytes) else (b"", *file.lines)
    assert isinstance(first, bytes)
    ready = len(first) // BASE64_STEP * BASE64_STEP
    begun, first = base64_lines(first[:ready]), first[ready:]
    steps = [line if isinstance(line, bytes) else _filled(line, fold) for line in rest]

    def written(values: Mapping[str, str]) -> bytes:
        lines = [step if isinstance(step, bytes) else step(values) for step in steps]
        return begun + base64_lines(b"".join([first, *lines]))

    return written


def _encoded(piece: Piece) -> bytes:
    """Return the bytes of a piece without holes."""
    step = _step(piece)
    return step if isinstance(step, bytes) else step({})


def _folded(line: Segments | bytes) -> bytes:
    return line if isinstance(line, bytes) else fold(fill(line, {}))


def _fields_of(segments: Segments) -> set[str]:
    return {segment.field for segment in segments if isinstance(segment, Placeholder)}


def _has_holes(segments: Segments) -> bool:
    return bool(_fields_of(segments))


def _folded_ahead(file: CalendarFile) -> CalendarFile:
    """Fold every run of lines in the file that no value changes."""
    runs = groupby(file.lines, lambda line: not isinstance(line, bytes) and _has_holes(line))
    lines: list[Segments | bytes] = []
    for holes, run in runs:
        lines.extend(run if holes else [b"".join(map(_folded, run))])
    return CalendarFile(tuple(lines))


def settled(pieces: Iterable[Piece]) -> tuple[Piece, ...]:
    """Encode every piece that no value changes, and join the bytes.

    Large neighbouring pieces are not joined, so that messages can share them.
    """
    done: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, CalendarFile):
            piece = _folded_ahead(piece)
        if not any(map(_has_holes, _segments_of(piece))) and not isinstance(piece, ToField | PersonalParts):
            piece = Fixed(_encoded(piece))
        last = done[-1] if done else None
        if isinstance(piece, Fixed) and isinstance(last, Fixed) and len(piece.data) <= _SHARED >= len(last.data):
            done[-1] = Fixed(last.data + piece.data)
        else:
            done.append(piece)
    return tuple(done)


def _to_json(piece: Piece) -> list[Any]:
    match piece:
        case Fixed():
            if piece.data.isascii():
                return ["fixed", piece.data.decode("ascii")]
            return ["octets", b64encode(piece.data).decode("ascii")]
        case HeaderField():
            return ["header", piece.name, piece.kind, _segments_to_json(piece.segments)]
        case BodyLine():
            return ["line", piece.kind, _segments_to_json(piece.segments)]
        case CalendarFile():
            lines = piece.lines
            return [
                "calendar",
                [line.decode() if isinstance(line, bytes) else _segments_to_json(line) for line in lines],
            ]
        case ToField():
            return ["recipient", piece.name]
        case PersonalParts():
            return ["personal files", piece.boundary]


def _from_json(kept: list[Any]) -> Piece:
    match kept:
        case ["fixed", str(text)]:
            return Fixed(text.encode("ascii"))
        case ["octets", str(text)]:
            return Fixed(b64decode(text))
        case ["header", str(name), str(kind), list(segments)]:
            return HeaderField(name, FieldKind(kind), _segments_from_json(segments))
        case ["line", str(kind), list(segments)]:
            return BodyLine(LineKind(kind), _segments_from_json(segments))
        case ["calendar", list(lines)]:
            read = (line.encode() if isinstance(line, str) else _segments_from_json(line) for line in lines)
            return CalendarFile(tuple(read))
        case ["recipient", str(name)]:
            return ToField(name)
        case ["personal files", str(boundary)]:
            return PersonalParts(boundary)
        case _:
            raise ValueError(f"not a piece of a letter: {kept!r}")


def _segments_to_json(segments: Segments) -> list[Any]:
    return [segment if isinstance(segment, str) else [segment.field, segment.place] for segment in segments]


def _segments_from_json(kept: list[Any]) -> Segments:
    return tuple(
        segment if isinstance(segment, str) else Placeholder(segment[0], Escaping(segment[1])) for segment in kept
    )
