"""Letter: one mailing's mail, composed once. Addressed to a member it becomes a message.

A letter is a sequence of pieces: bytes that are the same in every message, already encoded, and between them the
header fields and lines that a member's values change.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache, partial
from hashlib import sha256
from itertools import groupby
from typing import Any

from mkwmail.letters.encoding import BASE64_STEP, ENCODERS, LineKind, base64_lines
from mkwmail.letters.filling import Hole, Place, Segments, fill, filler
from mkwmail.letters.headers import mailbox, unstructured, verbatim
from mkwmail.letters.itip import fold
from mkwmail.letters.message import Message

FORMAT = 1
"""The number of the form in which letters are kept; one that is kept is read for ever."""


class FieldKind(StrEnum):
    """How a header field's text is written."""

    UNSTRUCTURED = "unstructured"  # free text (RFC 5322 §3.6.5)
    VERBATIM = "verbatim"  # an identifier, a date


@dataclass(frozen=True, slots=True)
class Fixed:
    """Bytes that every message of the letter has."""

    data: bytes


@dataclass(frozen=True, slots=True)
class HeaderField:
    """A header field with values in it."""

    name: str
    kind: FieldKind
    segments: Segments


@dataclass(frozen=True, slots=True)
class Line:
    """A body's line with values in it; broken and encoded when they are known."""

    kind: LineKind
    segments: Segments


@dataclass(frozen=True, slots=True)
class CalendarFile:
    """A calendar as an attached file, in base64: content lines with values in them, the others folded already."""

    lines: tuple[Segments | bytes, ...]


@dataclass(frozen=True, slots=True)
class Recipient:
    """The To field."""

    name: str = "To"


Piece = Fixed | HeaderField | Line | CalendarFile | Recipient


@dataclass(frozen=True, slots=True)
class Letter:
    """One mailing's mail as its pieces. ``sender`` is the envelope's and the From field's address."""

    sender: str
    pieces: tuple[Piece, ...]
    _form: "_Form" = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_form", _form(self.pieces))

    @property
    def fields(self) -> frozenset[str]:
        """The fields that it has holes for: what :meth:`address` needs of ``values``."""
        found = {"to_name", "to_address", "message_id", "date", "dtstamp"}
        for piece in self.pieces:
            for segments in _segments_of(piece):
                found |= _fields_of(segments)
        return frozenset(found)

    def address(self, values: Mapping[str, str]) -> Message:
        """The message for one member: the same letter and values always give the same bytes.

        ``values`` has every field of :attr:`fields`, among them ``to_name``, ``to_address``, ``message_id``
        (without angle brackets), ``date`` (RFC 5322 §3.3) and ``dtstamp`` (RFC 5545 §3.3.5, UTC).

        Its ``digest`` is the SHA-256 of what the values made, behind that of all other bytes: it tells as much as
        a hash of the whole, of which most would be hashed again for every member.
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
            tuple([b"".join(parts[chunk]) for chunk in form.chunks]),
            # Each piece begins a line.
            form.dotless and b"\n." not in made,
            digest.hexdigest(),
        )

    def dump(self) -> bytes:
        """The letter as bytes to be kept."""
        kept = {"format": FORMAT, "sender": self.sender, "pieces": [_to_json(piece) for piece in self.pieces]}
        return json.dumps(kept, ensure_ascii=True, separators=(",", ":")).encode("ascii")

    @classmethod
    def load(cls, kept: bytes) -> "Letter":
        """The letter that :meth:`dump` kept."""
        read = json.loads(kept)
        return cls(read["sender"], tuple(_from_json(piece) for piece in read["pieces"]))


_HASHED = 2_047  # octets; for more at once hashlib hands Python's lock to whoever waits for it
_SHARED = 16_384  # octets from which fixed bytes are held once for all messages instead of copied into each

_Step = bytes | Callable[[Mapping[str, str]], bytes]
"""A piece as addressing goes through it: bytes as they are, or what makes them of a member's values."""


@dataclass(frozen=True, slots=True)
class _Form:
    """A letter as addressing goes through it.

    ``fixed``: the bytes of every piece, empty where it is ``open`` to values; ``chunks``: which of them stand in one
    chunk of the message. ``sha256``: of all fixed bytes. ``dotless``: no line of theirs begins with a dot.
    """

    fixed: tuple[bytes, ...]
    open: tuple[tuple[int, Callable[[Mapping[str, str]], bytes]], ...]
    chunks: tuple[slice, ...]
    sha256: bytes
    dotless: bool


def _form(pieces: Iterable[Piece]) -> _Form:
    steps = tuple(map(_step, pieces))
    fixed = tuple(step if isinstance(step, bytes) else b"" for step in steps)
    runs = groupby(range(len(steps)), lambda place: -1 if len(fixed[place]) <= _SHARED else place)
    places = [list(run) for _kind, run in runs]
    return _Form(
        fixed,
        tuple((place, step) for place, step in enumerate(steps) if not isinstance(step, bytes)),
        tuple(slice(run[0], run[-1] + 1) for run in places),
        sha256(b"\n".join(fixed)).digest(),
        all(map(_dotless, fixed)),
    )


_MOMENT_FIELDS = frozenset({"date", "dtstamp"})
"""What one second's messages have alike."""


def _segments_of(piece: Piece) -> tuple[Segments, ...]:
    match piece:
        case HeaderField() | Line():
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
        case Recipient():
            return lambda values: mailbox(piece.name, values["to_name"], values["to_address"])
        case Line():
            return _filled(piece.segments, ENCODERS[piece.kind])
        case HeaderField():
            write = unstructured if piece.kind is FieldKind.UNSTRUCTURED else verbatim
            return _filled(piece.segments, partial(write, piece.name))
        case CalendarFile():
            return _calendar_file(piece)


def _filled(segments: Segments, encode: Callable[[str], bytes]) -> _Step:
    """What fills and encodes; where only the moment stands in it, once for all messages of that moment."""
    fill_in = filler(segments)
    if _fields_of(segments) - _MOMENT_FIELDS:
        return lambda values: encode(fill_in(values))
    encode_once = lru_cache(maxsize=2)(encode)
    return lambda values: encode_once(fill_in(values))


def _calendar_file(file: CalendarFile) -> _Step:
    """What writes the file. As much of its beginning as no value moves is in base64 already."""
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
    """The bytes of a piece without holes."""
    step = _step(piece)
    return step if isinstance(step, bytes) else step({})


def _folded(line: Segments | bytes) -> bytes:
    return line if isinstance(line, bytes) else fold(fill(line, {}))


def _fields_of(segments: Segments) -> set[str]:
    return {segment.field for segment in segments if isinstance(segment, Hole)}


def _has_holes(segments: Segments) -> bool:
    return bool(_fields_of(segments))


def _folded_ahead(file: CalendarFile) -> CalendarFile:
    """The same file with every run of lines that no value changes folded."""
    runs = groupby(file.lines, lambda line: not isinstance(line, bytes) and _has_holes(line))
    lines: list[Segments | bytes] = []
    for holes, run in runs:
        lines.extend(run if holes else [b"".join(map(_folded, run))])
    return CalendarFile(tuple(lines))


def settled(pieces: Iterable[Piece]) -> tuple[Piece, ...]:
    """The pieces with everything encoded that no value changes, neighbouring bytes as one."""
    done: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, CalendarFile):
            piece = _folded_ahead(piece)
        if not any(map(_has_holes, _segments_of(piece))) and not isinstance(piece, Recipient):
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
        case Line():
            return ["line", piece.kind, _segments_to_json(piece.segments)]
        case CalendarFile():
            lines = piece.lines
            return [
                "calendar",
                [line.decode() if isinstance(line, bytes) else _segments_to_json(line) for line in lines],
            ]
        case Recipient():
            return ["recipient", piece.name]


def _from_json(kept: list[Any]) -> Piece:
    match kept:
        case ["fixed", str(text)]:
            return Fixed(text.encode("ascii"))
        case ["octets", str(text)]:
            return Fixed(b64decode(text))
        case ["header", str(name), str(kind), list(segments)]:
            return HeaderField(name, FieldKind(kind), _segments_from_json(segments))
        case ["line", str(kind), list(segments)]:
            return Line(LineKind(kind), _segments_from_json(segments))
        case ["calendar", list(lines)]:
            read = (line.encode() if isinstance(line, str) else _segments_from_json(line) for line in lines)
            return CalendarFile(tuple(read))
        case ["recipient", str(name)]:
            return Recipient(name)
        case _:
            raise ValueError(f"not a piece of a letter: {kept!r}")


def _segments_to_json(segments: Segments) -> list[Any]:
    return [segment if isinstance(segment, str) else [segment.field, segment.place] for segment in segments]


def _segments_from_json(kept: list[Any]) -> Segments:
    return tuple(segment if isinstance(segment, str) else Hole(segment[0], Place(segment[1])) for segment in kept)
