"""Every kind of mailing as a whole message, which the tests hand to what reads mail."""

import base64
import re
import struct
import zlib
from dataclasses import dataclass
from email.message import EmailMessage
from functools import cache
from urllib.parse import unquote

from mkwmail.config.event import Event, Mailing
from mkwmail.config.settings import Mailbox, Settings
from mkwmail.files import Attachment
from mkwmail.mail.compose import compose
from mkwmail.mail.context import Addressee, Form, MailingContext
from mkwmail.mail.letter import Message
from tests.kinds import Kind
from tests.mail.workshop import html_text, plain_text, read
from tests.templates.scenes import ANSWERS, CHANGES, MOMENT, TEMPLATES, a_reader, an_event

OWN_TEXT = """Even iets over de **avond**: het buffet begint om 18.00 uur.

- Parkeren kan bij het station, zie [de kaart](https://kaart.example.org/utrecht/laan-van-maarschalkerweerd).
- De zaal is met de rolstoel te bereiken.
"""


@dataclass(frozen=True, slots=True)
class Sent:
    """A message, and what it says once decoded."""

    message: Message
    parsed: EmailMessage

    @property
    def html(self) -> str:
        return html_text(self.parsed)

    @property
    def text(self) -> str:
        return plain_text(self.parsed).replace("\r\n", "\n")


def sent(
    kind: Kind,
    form: Form = "je",
    event: Event | None = None,
    text: str | None = None,
    logo: Attachment | None = None,
    reader: Addressee | None = None,
) -> Sent:
    """The message of this kind to the reader, or another one."""
    occasion = MailingContext(
        event=event or an_event(),
        name=kind.value,
        mailing=Mailing(text=text),
        template=kind.value,
        settings=Settings(
            sender=Mailbox(name="Lilian van Zandbrink", email="secretaris@mkw.example.org"),
            association="MKW Platform",
            form=form,
        ),
        uid="uid@mkw.example.org",
        cancelled=kind is Kind.CANCELLATION,
        attachments=(a_pdf(),) if kind is Kind.PRACTICAL else (),
        logo=logo,
        original="invitation" if kind is Kind.CORRECTION else None,
    )
    changed = CHANGES if kind is Kind.UPDATE else ()
    addressee = (reader or a_reader(ANSWERS.get(kind)))._replace(changes=changed)
    composed = compose(occasion, TEMPLATES, (addressee,))
    message = composed.addressed[0].message("b1946ac92492d2347c6235b4d2611184@mkw.example.org", MOMENT)
    return Sent(message, read(message))


@cache
def every_kind() -> dict[Kind, Sent]:
    """One message of each kind; `own` with a text of its own."""
    return {kind: sent(kind, text=OWN_TEXT if kind is Kind.OWN else None) for kind in Kind}


def a_pdf() -> Attachment:
    """A small file that calls itself a PDF."""
    return Attachment("essay.pdf", "application/pdf", b"%PDF-1.4\n%%EOF\n")


def a_logo(width: int = 240) -> Attachment:
    """A dark mark on a transparent ground, 88 pixels high: the kind of logo that dark mode swallows."""
    dark, clear = b"\x14\x38\x3e\xff", b"\x00\x00\x00\x00"
    bar = b"".join(dark if x % 48 < 28 else clear for x in range(width))
    rows = b"".join(b"\x00" + (bar if 14 <= y < 74 else clear * width) for y in range(88))
    head = struct.pack(">IIBBBBB", width, 88, 8, 6, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return Attachment("logo.png", "image/png", b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks))


def showing_logo(mail: Sent) -> str:
    """The HTML with the image that it names by Content-ID in its place, as a mail program shows it (RFC 2392)."""
    images = {
        part["Content-ID"].strip("<>"): f"data:{part.get_content_type()};base64,{_encoded(part)}"
        for part in mail.parsed.walk()
        if part["Content-ID"]
    }
    return re.sub(r'"cid:([^"]*)"', lambda found: f'"{images[unquote(found[1])]}"', mail.html)


def _encoded(part: EmailMessage) -> str:
    return base64.b64encode(part.get_content()).decode("ascii")


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
