"""The MIME structure of a letter (RFC 2045, 2046, 2183), with the bodies' pieces in their places.

The email package writes the structure, once per letter; what it cannot hold, lines with holes in them, takes the
place of a token that stands in for each body.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from email.generator import BytesGenerator
from email.message import Message as Structure
from email.policy import compat32
from io import BytesIO

from mkwmail.letters.letter import Fixed, Piece

# Lines of the structure are ours and short; the generator shall fold nothing.
_POLICY = compat32.clone(linesep="\r\n", max_line_length=None)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a message: a body's pieces, or further parts.

    ``content_type`` and ``disposition`` are a value and its parameters; a parameter outside ASCII is
    written as RFC 2231 has it.
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
    """Several parts as one; a single one stays itself."""
    return children[0] if len(children) == 1 else Part(f"multipart/{subtype}", children=children)


def assembled(fields: Sequence[Piece], root: Part, content: Iterable[bytes]) -> list[Piece]:
    """A whole message's pieces: its header fields, then the parts.

    Boundaries are derived from ``content``, so that the same letter has the same bytes each time. ``=_`` can
    occur neither in quoted-printable nor in base64: no body can hold a boundary (RFC 2045 §6.7).
    """
    digest = hashlib.sha256()
    for piece in content:
        digest.update(piece)
    bodies: list[tuple[Piece, ...]] = []
    structure = _structure(root, f"=_{digest.hexdigest()[:32]}", bodies)
    structure["MIME-Version"] = "1.0"
    written = BytesIO()
    BytesGenerator(written, mangle_from_=False, policy=_POLICY).flatten(structure)
    pieces = list(fields)
    rest = written.getvalue()
    for number, body in enumerate(bodies):
        before, rest = rest.split(_token(number) + b"\r\n", 1)
        pieces.append(Fixed(before))
        pieces.extend(body)
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
        made.add_header("Content-Disposition", part.disposition, **_filename(part.filename))
    if part.children:
        for number, child in enumerate(part.children):
            made.attach(_structure(child, f"{boundary}.{number}", bodies))
    else:
        made.set_payload(_token(len(bodies)).decode("ascii"))
        bodies.append(part.pieces)
    return made


def _filename(name: str) -> dict[str, str | tuple[str, None, str]]:
    if not name:
        return {}
    return {"filename": name if name.isascii() else ("utf-8", None, name)}
