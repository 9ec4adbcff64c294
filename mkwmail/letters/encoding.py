"""Lines of a body as they stand on the wire: wrapped or folded, then quoted-printable (RFC 2045 §6.7)."""

import binascii
import textwrap
from collections.abc import Callable, Mapping
from enum import StrEnum

from mkwmail.letters.itip import fold
from mkwmail.letters.values import HANG, hang_of

WIDTH = 76  # plain text: what reads well, and RFC 2045's own limit for quoted-printable


class LineKind(StrEnum):
    """What a line belongs to, and so how it is broken."""

    HTML = "html"  # not broken but by quoted-printable
    TEXT = "text"  # wrapped at words
    CALENDAR = "calendar"  # folded at 75 octets (RFC 5545 §3.1)


def wrapped(line: str) -> list[str]:
    """A line of plain text as lines of at most 76 characters; a longer word, such as a link, stays whole.

    A hang sign in it says how far the lines after the first are indented.
    """
    sign = HANG.search(line)
    if sign is None and len(line) <= WIDTH:
        return [line.rstrip()]
    indent = len(line) - len(line.lstrip(" ")) if sign is None else hang_of(sign[0])
    line = HANG.sub("", line)
    if len(line) <= WIDTH:
        return [line.rstrip()]
    start = len(line) - len(line.lstrip(" "))
    return textwrap.wrap(
        line[start:],
        WIDTH,
        initial_indent=" " * start,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def quoted_printable(line: str) -> bytes:
    """One line as quoted-printable, with its CRLF. A dot at its start and mbox's "From " are encoded too."""
    encoded = binascii.b2a_qp(line.encode(), istext=False).replace(b"=\n", b"=\r\n")
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
    folded = fold(line).decode().removesuffix("\r\n")
    return b"".join([quoted_printable(part) for part in folded.split("\r\n")])


ENCODERS: Mapping[LineKind, Callable[[str], bytes]] = {
    LineKind.HTML: quoted_printable,
    LineKind.TEXT: _text_lines,
    LineKind.CALENDAR: _calendar_line,
}


BASE64_STEP = 57
"""Octets that make one line of base64."""


def base64_lines(data: bytes) -> bytes:
    """Octets as base64 in lines of 76 characters, with CRLF (RFC 2045 §6.8)."""
    encoded = binascii.b2a_base64(data, newline=False)
    return b"".join([encoded[at : at + WIDTH] + b"\r\n" for at in range(0, len(encoded), WIDTH)])
