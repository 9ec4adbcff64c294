"""Header fields as they stand on the wire (RFC 5322 §2.2, RFC 2047)."""

import re
from email.header import Header

_ATOM_WORDS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
_LIMIT = 78  # RFC 5322 §2.1.1: lines should be no longer
_ENCODED_WORD = "=?"


def unstructured(name: str, text: str) -> bytes:
    """A field of free text, such as Subject: as it is where it is ASCII, else in encoded words.

    White space is collapsed, so that no value can begin a field of its own.
    """
    return f"{name}: {_words(' '.join(text.split()), len(name) + 2)}\r\n".encode("ascii")


def mailbox(name: str, display: str, address: str) -> bytes:
    """A field with one mailbox (RFC 5322 §3.4): ``To: "Jansen, Kim" <kim@example.org>``."""
    display = " ".join(display.split())
    if not display:
        return f"{name}: {address}\r\n".encode("ascii")
    phrase = _phrase(display, len(name) + 2)
    last = phrase.rsplit("\n", 1)[-1]
    start = len(name) + 2 if last == phrase else 0
    gap = " " if start + len(last) + len(address) + 3 <= _LIMIT else "\r\n "
    return f"{name}: {phrase}{gap}<{address}>\r\n".encode("ascii")


def verbatim(name: str, text: str) -> bytes:
    """A field whose text is a token: identifiers, dates, addresses; never encoded or folded (FACTS B1)."""
    return f"{name}: {text}\r\n".encode("ascii")


def _phrase(text: str, start: int) -> str:
    if not text.isascii() or _ENCODED_WORD in text or not text.isprintable():
        return _encoded(text, start)
    if _ATOM_WORDS.fullmatch(text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _words(text: str, start: int) -> str:
    if not text.isascii() or _ENCODED_WORD in text or not text.isprintable():
        return _encoded(text, start)
    if any(len(word) > _LIMIT - 2 for word in text.split(" ")):
        return _encoded(text, start) if len(text) + start > _LIMIT else text
    lines: list[str] = []
    width = _LIMIT - start
    for word in text.split(" "):
        if lines and len(lines[-1]) + 1 + len(word) <= width:
            lines[-1] += f" {word}"
        else:
            width = width if not lines else _LIMIT - 1
            lines.append(word)
    return "\r\n ".join(lines)


def _encoded(text: str, start: int) -> str:
    """Encoded words of at most 75 characters, each of whole characters (RFC 2047 §2, §5)."""
    return Header(text, "utf-8", maxlinelen=_LIMIT - 2, header_name="x" * max(start - 2, 1)).encode(linesep="\r\n")
