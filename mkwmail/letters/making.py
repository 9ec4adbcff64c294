"""Making a letter from a rendering: Markdown, CSS inlining, MIME and encoding, once for all who share it."""

from collections.abc import Sequence
from pathlib import PurePath
from urllib.parse import quote as percent_encode

import css_inline
from markupsafe import Markup

from mkwmail.errors import Fault, UserError
from mkwmail.language import _
from mkwmail.letters.attachments import Attachment, attached, embedded
from mkwmail.letters.encoding import LineKind
from mkwmail.letters.entry import calendar_lines, calendar_method
from mkwmail.letters.filling import Hole, Place, Segment, Segments, html_segments, joined, segments_of, text_segments
from mkwmail.letters.frame import Frame
from mkwmail.letters.headers import mailbox, unstructured, verbatim
from mkwmail.letters.letter import (
    CalendarFile,
    FieldKind,
    Fixed,
    HeaderField,
    Letter,
    Line,
    Piece,
    Recipient,
    settled,
)
from mkwmail.letters.markdown import html_of, text_of
from mkwmail.letters.marks import Marks
from mkwmail.letters.mime import Part, assembled, multipart
from mkwmail.letters.names import LINK_FIELDS
from mkwmail.letters.rendering import Rendering, with_blocks
from mkwmail.letters.templates import plain
from mkwmail.letters.values import Link, Value
from mkwmail.sources.settings import Settings

MOST_HTML = 100_000
"""Octets of HTML from which Gmail shows only a part (FACTS B9: it clips at about 102 KB)."""

PROOF = "[PROEF]"


def letter_of(rendering: Rendering, frame: Frame, marks: Marks) -> Letter:
    """The letter that a rendering becomes.

    :raises UserError: where its HTML is larger than mail programs show.
    """
    html_body, text_body = with_blocks(html_of(rendering.markdown), text_of(rendering.markdown), rendering.blocks)
    html = _html_lines(_page(rendering, html_body, frame), marks)
    text = _text_lines(_plain_page(text_body, frame), marks)
    calendar = calendar_lines(frame, rendering.calendar, marks)
    parts = _parts(frame, html, text, calendar)
    content = (repr(part).encode() for part in (rendering, frame.sequence, frame.uid, frame.cancelled))
    sender = frame.settings.sender.email
    pieces = assembled(_fields(rendering, frame, marks), parts, content)
    return Letter(sender, settled(pieces))


def _page(rendering: Rendering, body: str, frame: Frame) -> str:
    page = frame.layout_html.render(
        subject=Markup(rendering.subject),
        preheader=Markup(rendering.preheader),
        body=Markup(body),
        css=Markup(frame.css),
        association=Value(frame.settings.association),
        logo=Link(f"cid:{_logo_id(frame.logo)}") if frame.logo else None,
    )
    # css-inline would fetch what a page links to: mails link to nothing, and nothing is fetched.
    inlined = css_inline.inline(page, keep_style_tags=True, load_remote_stylesheets=False)
    if len(inlined.encode()) > MOST_HTML:
        raise UserError(
            Fault(
                frame.event.id,
                _("the mail's HTML is %(size)d KB; Gmail shows only the first 100 KB") % {"size": len(inlined) // 1000},
                _("shorten the texts; a long explanation is better as an attachment"),
            )
        )
    return inlined


def _plain_page(body: str, frame: Frame) -> str:
    return plain(frame.layout_text.render(body=Markup(body), association=Value(frame.settings.association))).strip("\n")


def _logo_id(logo: Attachment) -> str:
    return f"logo.{PurePath(logo.name).stem}@mkwmail".replace(" ", "-")


def _html_lines(page: str, marks: Marks) -> tuple[Line, ...]:
    return _lines(LineKind.HTML, html_segments(page, marks, LINK_FIELDS))


def _text_lines(page: str, marks: Marks) -> tuple[Line, ...]:
    lines = [line.rstrip() for line in page.split("\n")]
    kept = [line for number, line in enumerate(lines) if line or (number and lines[number - 1])]
    return tuple(Line(LineKind.TEXT, text_segments(line, marks, LINK_FIELDS)) for line in kept)


def _lines(kind: LineKind, segments: Segments) -> tuple[Line, ...]:
    """The segments cut at their line ends."""
    lines: list[list[Segment]] = [[]]
    for segment in segments:
        if isinstance(segment, Hole):
            lines[-1].append(segment)
            continue
        first, *rest = segment.split("\n")
        lines[-1].append(first)
        lines.extend([part] for part in rest)
    return tuple(Line(kind, joined(line)) for line in lines)


def _parts(frame: Frame, html: Sequence[Piece], text: Sequence[Piece], calendar: Sequence[Segments]) -> Part:
    """The structure that Outlook takes a calendar entry from (FACTS A1)."""
    utf8 = ("charset", "utf-8")
    plain_part = Part("text/plain", (utf8,), "quoted-printable", pieces=tuple(text))
    html_part = Part("text/html", (utf8,), "quoted-printable", pieces=tuple(html))
    if frame.logo:
        html_part = multipart("related", html_part, embedded(frame.logo, _logo_id(frame.logo)))
    alternatives = [plain_part, html_part]
    files = [attached(file) for file in frame.attachments]
    if calendar:
        method = ("method", calendar_method(frame))
        lines = tuple(Line(LineKind.CALENDAR, line) for line in calendar)
        alternatives.append(Part("text/calendar", (utf8, method), "quoted-printable", pieces=lines))
        files.append(
            Part(
                "application/ics",
                (("name", "invite.ics"),),
                "base64",
                disposition="attachment",
                filename="invite.ics",
                pieces=(CalendarFile(tuple(calendar)),),
            )
        )
    return multipart("mixed", multipart("alternative", *alternatives), *files)


def _fields(rendering: Rendering, frame: Frame, marks: Marks) -> list[Piece]:
    settings = frame.settings
    sender = settings.sender
    subject = f"{PROOF} {rendering.subject}" if frame.proof else rendering.subject
    answer_to = settings.reply_to or sender.email
    stop = percent_encode(_unsubscribe_subject(settings), safe="")
    fields: list[Piece] = [
        HeaderField("Date", FieldKind.VERBATIM, (Hole("date", Place.TEXT),)),
        Fixed(mailbox("From", sender.name, sender.email)),
        Recipient(),
        *([Fixed(verbatim("Reply-To", settings.reply_to))] if settings.reply_to else []),
        HeaderField("Subject", FieldKind.UNSTRUCTURED, segments_of(subject, Place.TEXT, marks, LINK_FIELDS)),
        HeaderField("Message-ID", FieldKind.VERBATIM, ("<", Hole("message_id", Place.TEXT), ">")),
        Fixed(unstructured("Content-Language", "nl")),
        Fixed(verbatim("List-Unsubscribe", f"<mailto:{answer_to}?subject={stop}>")),
        Fixed(verbatim("X-Auto-Response-Suppress", "OOF, AutoReply")),
    ]
    if frame.automatic:
        fields.append(Fixed(verbatim("Auto-Submitted", "auto-generated")))
    return fields


def _unsubscribe_subject(settings: Settings) -> str:
    return "Graag geen uitnodigingen meer" + (f" van {settings.association}" if settings.association else "")
