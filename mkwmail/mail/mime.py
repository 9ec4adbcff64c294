"""MIME structures of letters (RFC 2045, 2046, 2183), and notices.

The email package writes the structure, once per letter. It cannot hold lines with holes in them, so it writes a token
for each body, which the pieces of the body then replace. :func:`notice` makes a mail of plain text.
"""

import hashlib
import quopri
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.generator import BytesGenerator
from email.message import Message as Structure
from email.policy import compat32
from email.utils import format_datetime
from io import BytesIO

from mkwmail.config.settings import Mailbox
from mkwmail.files import Attachment
from mkwmail.mail.letter import (
    Fixed,
    Message,
    PersonalParts,
    Piece,
    base64_lines,
    filename_parameter,
    mailbox,
    unstructured,
    verbatim,
)

# The structure has only short lines of our own; the generator must not fold them.
_POLICY = compat32.clone(linesep="\r\n", max_line_length=None)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a message: a body's pieces, or further parts.

    ``parameters`` belong to ``content_type``, and ``filename`` to ``disposition``; a filename outside ASCII is written
    as RFC 2231 defines.
    """

    content_type: str
    parameters: tuple[tuple[str, str], ...] = ()
    encoding: str = ""
    disposition: str = ""
    filename: str = ""
    content_id: str = ""
    pieces: tuple[Piece, ...] = ()
    children: tuple["Part", ...] = field(default=())


def multipart(subtype: str, *children: Part) -> Part:
    """Return several parts as one; a single part stays itself."""
    return children[0] if len(children) == 1 else Part(f"multipart/{subtype}", children=children)


def assembled(fields: Sequence[Piece], root: Part, content: Iterable[bytes], personal: bool = False) -> list[Piece]:
    """Return a whole message's pieces: its header fields, then the parts.

    Boundaries are derived from ``content``, so that the same letter has the same bytes each time. ``=_`` cannot occur
    in quoted-printable or in base64, so no body can contain a boundary (RFC 2045 §6.7).

    ``personal``: each message has files of its own, after the parts of ``root``, which has several.
    """
    digest = hashlib.sha256()
    for piece in content:
        digest.update(piece)
    bodies: list[tuple[Piece, ...]] = []
    boundary = f"=_{digest.hexdigest()[:32]}"
    structure = _structure(root, boundary, bodies)
    structure["MIME-Version"] = "1.0"
    written = BytesIO()
    BytesGenerator(written, mangle_from_=False, policy=_POLICY).flatten(structure)
    pieces = list(fields)
    rest = written.getvalue()
    for number, body in enumerate(bodies):
        before, rest = rest.split(_token(number) + b"\r\n", 1)
        pieces.append(Fixed(before))
        pieces.extend(body)
    if personal:
        before, end, after = rest.rpartition(f"--{boundary}--".encode("ascii"))
        pieces += [Fixed(before), PersonalParts(boundary)]
        rest = end + after
    pieces.append(Fixed(rest))
    return pieces


def _token(number: int) -> bytes:
    return b"=_body_%d_=" % number


def _structure(part: Part, boundary: str, bodies: list[tuple[Piece, ...]]) -> Structure:
    made = Structure(policy=_POLICY)
    parameters = dict(part.parameters)
    if part.children:
        parameters["boundary"] = boundary
    made.add_header("Content-Type", part.content_type, **parameters)
    if part.encoding:
        made["Content-Transfer-Encoding"] = part.encoding
    if part.content_id:
        made["Content-ID"] = f"<{part.content_id}>"
    if part.disposition:
        made.add_header("Content-Disposition", part.disposition, **filename_parameter(part.filename))
    if part.children:
        for number, child in enumerate(part.children):
            made.attach(_structure(child, f"{boundary}.{number}", bodies))
    else:
        made.set_payload(_token(len(bodies)).decode("ascii"))
        bodies.append(part.pieces)
    return made


def attached(file: Attachment) -> Part:
    """Return the part that contains a file."""
    return Part(
        file.content_type,
        encoding="base64",
        disposition="attachment",
        filename=file.name,
        pieces=(Fixed(base64_lines(file.data)),),
    )


def embedded(file: Attachment, content_id: str) -> Part:
    """Return the part that contains an image, such as the logo.

    The HTML part refers to it by its Content-ID (RFC 2392).
    """
    return Part(
        file.content_type,
        encoding="base64",
        disposition="inline",
        filename=file.name,
        content_id=content_id,
        pieces=(Fixed(base64_lines(file.data)),),
    )


def notice(sender: Mailbox, to: str, subject: str, lines: Sequence[str], message_id: str, moment: datetime) -> Message:
    """Return a mail of plain text, marked as made by a machine.

    It is text/plain in quoted-printable; the mark is that of RFC 3834 §5. ``message_id`` has no angle brackets.
    """
    body = "".join(f"{line}\n" for line in lines).encode()
    encoded = quopri.encodestring(body).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    head = (
        verbatim("Date", format_datetime(moment)),
        mailbox("From", sender.name, sender.email),
        mailbox("To", "", to),
        unstructured("Subject", subject),
        verbatim("Message-ID", f"<{message_id}>"),
        verbatim("Auto-Submitted", "auto-generated"),
        verbatim("X-Auto-Response-Suppress", "OOF, AutoReply"),
        unstructured("Content-Language", "nl"),
        verbatim("MIME-Version", "1.0"),
        verbatim("Content-Type", "text/plain; charset=utf-8"),
        verbatim("Content-Transfer-Encoding", "quoted-printable"),
    )
    return Message(sender.email, to, message_id, (b"".join(head) + b"\r\n", encoded))
