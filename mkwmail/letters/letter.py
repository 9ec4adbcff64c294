"""Letter: one mailing's mail, composed once. Addressed to a member it becomes a message.

A letter is a sequence of pieces: bytes that are the same in every message, already encoded, and between them the
header fields and lines that a member's values change.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import Any

from mkwmail.letters.encoding import ENCODERS, LineKind, base64_lines
from mkwmail.letters.filling import Hole, Place, Segments, fill
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

    @property
    def fields(self) -> frozenset[str]:
        """The fields that it has holes for: what :meth:`address` needs of ``values``."""
        found = {"to_name", "to_address", "message_id", "date", "dtstamp"}
        for piece in self.pieces:
            for segments in _segments_of(piece):
                found.update(segment.field for segment in segments if isinstance(segment, Hole))
        return frozenset(found)

    def address(self, values: Mapping[str, str]) -> Message:
        """The message for one member: the same letter and values always give the same bytes.

        ``values`` has every field of :attr:`fields`, among them ``to_name``, ``to_address``, ``message_id``
        (without angle brackets), ``date`` (RFC 5322 §3.3) and ``dtstamp`` (RFC 5545 §3.3.5, UTC).
        """
        chunks: list[bytes] = []
        small: list[bytes] = []
        for piece in self.pieces:
            if isinstance(piece, Fixed) and len(piece.data) > _SHARED:
                chunks.append(b"".join(small))
                small.clear()
                chunks.append(piece.data)
            else:
                small.append(_encoded(piece, values))
        chunks.append(b"".join(small))
        return Message(self.sender, values["to_address"], values["message_id"], tuple(filter(None, chunks)))

    def dump(self) -> bytes:
        """The letter as bytes to be kept."""
        kept = {"format": FORMAT, "sender": self.sender, "pieces": [_to_json(piece) for piece in self.pieces]}
        return json.dumps(kept, ensure_ascii=True, separators=(",", ":")).encode("ascii")

    @classmethod
    def load(cls, kept: bytes) -> "Letter":
        """The letter that :meth:`dump` kept."""
        read = json.loads(kept)
        return cls(read["sender"], tuple(_from_json(piece) for piece in read["pieces"]))


_SHARED = 16_384  # octets from which fixed bytes are held once for all messages instead of copied into each


def _segments_of(piece: Piece) -> tuple[Segments, ...]:
    match piece:
        case HeaderField() | Line():
            return (piece.segments,)
        case CalendarFile():
            return tuple(line for line in piece.lines if not isinstance(line, bytes))
        case _:
            return ()


def _encoded(piece: Piece, values: Mapping[str, str]) -> bytes:
    match piece:
        case Fixed():
            return piece.data
        case Line():
            return ENCODERS[piece.kind](fill(piece.segments, values))
        case Recipient():
            return mailbox(piece.name, values["to_name"], values["to_address"])
        case HeaderField():
            write = unstructured if piece.kind is FieldKind.UNSTRUCTURED else verbatim
            return write(piece.name, fill(piece.segments, values))
        case CalendarFile():
            return base64_lines(b"".join(_folded(line, values) for line in piece.lines))


def _folded(line: Segments | bytes, values: Mapping[str, str]) -> bytes:
    return line if isinstance(line, bytes) else fold(fill(line, values))


def _has_holes(segments: Segments) -> bool:
    return any(isinstance(segment, Hole) for segment in segments)


def _folded_ahead(file: CalendarFile) -> CalendarFile:
    """The same file with every run of lines that no value changes folded."""
    runs = groupby(file.lines, lambda line: not isinstance(line, bytes) and _has_holes(line))
    lines: list[Segments | bytes] = []
    for holes, run in runs:
        lines.extend(run if holes else [b"".join(_folded(line, {}) for line in run)])
    return CalendarFile(tuple(lines))


def settled(pieces: Iterable[Piece]) -> tuple[Piece, ...]:
    """The pieces with everything encoded that no value changes, neighbouring bytes as one."""
    done: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, CalendarFile):
            piece = _folded_ahead(piece)
        if not any(map(_has_holes, _segments_of(piece))) and not isinstance(piece, Recipient):
            piece = Fixed(_encoded(piece, {}))
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
