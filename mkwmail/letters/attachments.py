"""Attachments: files that go with a mailing."""

import mimetypes
from dataclasses import dataclass
from pathlib import Path

from mkwmail.letters.encoding import base64_lines
from mkwmail.letters.letter import Fixed
from mkwmail.letters.mime import Part


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file as it is attached."""

    name: str
    content_type: str
    data: bytes


def read_attachment(path: Path) -> Attachment:
    """The file with the type that its name says.

    :raises OSError: where it cannot be read.
    """
    content_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return Attachment(path.name, content_type, path.read_bytes())


def attached(file: Attachment) -> Part:
    """The part that carries a file."""
    return Part(
        file.content_type,
        encoding="base64",
        disposition="attachment",
        filename=file.name,
        pieces=(Fixed(base64_lines(file.data)),),
    )


def embedded(file: Attachment, content_id: str) -> Part:
    """The part that carries an image of the HTML part (RFC 2392), such as the logo."""
    return Part(
        file.content_type,
        encoding="base64",
        disposition="inline",
        filename=file.name,
        content_id=content_id,
        pieces=(Fixed(base64_lines(file.data)),),
    )
