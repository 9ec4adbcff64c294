"""Composing: all letters of a mailing, before the first message is sent."""

from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from functools import lru_cache
from pathlib import PurePath
from typing import NamedTuple
from urllib.parse import quote as percent_encode

import css_inline
from markupsafe import Markup

from mkwmail.config.settings import Settings
from mkwmail.dutch.names import full_name
from mkwmail.errors import Fault, UserError, user_error
from mkwmail.files import Attachment
from mkwmail.i18n import _
from mkwmail.ledger.models import COPIED_PERSON, Change, keyed
from mkwmail.mail.calendar_part import (
    Method,
    calendar_lines,
    calendar_method,
    utc_text,
)
from mkwmail.mail.context import (
    Addressee,
    Form,
    Lazily,
    MailingContext,
    answer_links,
    answers_go_to,
    common_names,
    entry_form,
    greeting_values,
    is_by_mail,
    links_among,
    named,
    personal_names,
    personal_values,
)
from mkwmail.mail.letter import (
    BodyLine,
    CalendarFile,
    Content,
    FieldKind,
    Fixed,
    HeaderField,
    Letter,
    LineKind,
    Message,
    Piece,
    ToField,
    mailbox,
    no_content,
    settled,
    unstructured,
    verbatim,
)
from mkwmail.mail.markdown import html_of, text_of
from mkwmail.mail.merge import (
    PRIVATE_USE,
    Escaping,
    Link,
    Marks,
    Placeholder,
    Segment,
    Segments,
    TakenMarks,
    Uses,
    Value,
    files_value,
    html_segments,
    joined,
    quote,
    quote_link,
    rendering_key,
    segments_of,
    text_segments,
    uses_of,
)
from mkwmail.mail.mime import Part, assembled, attached, embedded, multipart
from mkwmail.mail.templates import Layout, Renderer, Rendering, Templates, plain, with_blocks

MOST_HTML = 100_000
"""The most octets of HTML; Gmail clips a mail at about 102 KB."""

WIDEST = 544
"""The width of a letter's text, in pixels."""

PROOF = "[PROEF]"


def letter_of(rendering: Rendering, context: MailingContext, layout: Layout, marks: Marks) -> Letter:
    """Return the letter made from a rendering.

    :raises UserError: if its HTML is larger than mail programs show.
    """
    html_body, text_body = with_blocks(html_of(rendering.markdown), text_of(rendering.markdown), rendering.blocks)
    page = html_segments(_page(rendering, html_body, context, layout), marks, links_among(marks.fields))
    html = _lines(LineKind.HTML, page)
    text = _text_lines(_plain_page(rendering, text_body, context, layout), marks)
    calendar = calendar_lines(context, rendering.calendar, rendering.entry, marks)
    parts = _parts(context, html, text, calendar)
    content = (repr(part).encode() for part in (rendering, context.sequence, context.uid, context.cancelled))
    sender = context.settings.sender.email
    pieces = assembled(_fields(rendering, context, marks), parts, content, context.personal)
    return Letter(sender, settled(pieces))


def _page(rendering: Rendering, body: str, context: MailingContext, layout: Layout) -> str:
    for picture in context.pictures:
        # Outlook takes the width from the attribute alone.
        source = f'src="cid:{picture.content_id}"'
        body = body.replace(f"<img {source}", f'<img class="picture" width="{min(picture.width, WIDEST)}" {source}')
    page = layout.html.render(
        subject=Markup(rendering.subject),
        preheader=Markup(rendering.preheader),
        body=Markup(body),
        css=Markup(layout.css),
        association=Value(context.settings.association),
        footer=Markup(html_of(rendering.footer)),
        printed=context.printed,
        logo=Link(f"cid:{_logo_id(context.logo)}") if context.logo else None,
    )
    # By default css-inline fetches the style sheets that a page links to. A mail links to none; never fetch any.
    inlined = css_inline.inline(page, keep_style_tags=True, load_remote_stylesheets=False)
    if len(inlined.encode()) > MOST_HTML:
        raise user_error(
            context.event.id,
            _("the mail's HTML is %(size)d KB; Gmail shows only the first 100 KB"),
            _("shorten the texts; a long explanation is better as an attachment"),
            size=len(inlined) // 1000,
        )
    return inlined


def _plain_page(rendering: Rendering, body: str, context: MailingContext, layout: Layout) -> str:
    names = {"association": Value(context.settings.association), "printed": context.printed}
    footer = Markup(text_of(rendering.footer))
    return plain(layout.text.render(body=Markup(body), footer=footer, **names)).strip("\n")


def _logo_id(logo: Attachment) -> str:
    return f"logo.{PurePath(logo.name).stem}@mkwmail".replace(" ", "-")


def _text_lines(page: str, marks: Marks) -> tuple[BodyLine, ...]:
    links = links_among(marks.fields)
    lines = [line.rstrip() for line in page.split("\n")]
    kept = [line for number, line in enumerate(lines) if line or (number and lines[number - 1])]
    return tuple(BodyLine(LineKind.TEXT, text_segments(line, marks, links)) for line in kept)


def _lines(kind: LineKind, segments: Segments) -> tuple[BodyLine, ...]:
    """Cut the segments at their line ends."""
    lines: list[list[Segment]] = [[]]
    for segment in segments:
        if isinstance(segment, Placeholder):
            lines[-1].append(segment)
            continue
        first, *rest = segment.split("\n")
        lines[-1].append(first)
        lines.extend([part] for part in rest)
    return tuple(BodyLine(kind, joined(line)) for line in lines)


def _parts(context: MailingContext, html: Sequence[Piece], text: Sequence[Piece], calendar: Sequence[Segments]) -> Part:
    """Return the structure in which Outlook recognises a calendar entry.

    Outlook recognises a request or a cancellation only among the alternatives; anywhere else it takes calendar data for
    an attachment (MS-STANOICAL V0343). There it shows PUBLISH as raw lines, but it can import the file (V0233).
    """
    utf8 = ("charset", "utf-8")
    plain_part = Part("text/plain", (utf8,), "quoted-printable", pieces=tuple(text))
    html_part = Part("text/html", (utf8,), "quoted-printable", pieces=tuple(html))
    images = [embedded(context.logo, _logo_id(context.logo))] if context.logo else []
    images += [embedded(picture.file, picture.content_id) for picture in context.pictures]
    if images:
        html_part = multipart("related", html_part, *images)
    alternatives = [plain_part, html_part]
    files = [attached(file) for file in context.attachments]
    if calendar:
        method, name = calendar_method(context), ("name", "invite.ics")
        about: tuple[tuple[str, str], ...] = (utf8, ("method", method))
        content_type, parameters = "text/calendar", (*about, name)
        if method is not Method.PUBLISH:
            lines = tuple(BodyLine(LineKind.CALENDAR, line) for line in calendar)
            alternatives.append(Part("text/calendar", about, "quoted-printable", pieces=lines))
            content_type, parameters = "application/ics", (name,)
        file = (CalendarFile(tuple(calendar)),)
        files.append(Part(content_type, parameters, "base64", disposition="attachment", filename=name[1], pieces=file))
    body = multipart("alternative", *alternatives)
    if context.personal:
        return Part("multipart/mixed", children=(body, *files))
    return multipart("mixed", body, *files)


def _fields(rendering: Rendering, context: MailingContext, marks: Marks) -> list[Piece]:
    settings = context.settings
    sender = settings.sender
    subject = f"{PROOF} {rendering.subject}" if context.proof else rendering.subject
    answer_to = answers_go_to(settings)
    stop = percent_encode(_unsubscribe_subject(settings), safe="")
    fields: list[Piece] = [
        HeaderField("Date", FieldKind.VERBATIM, (Placeholder("date", Escaping.TEXT),)),
        Fixed(mailbox("From", sender.name, sender.email)),
        ToField(),
        *([Fixed(verbatim("Reply-To", settings.reply_to))] if settings.reply_to else []),
        HeaderField(
            "Subject", FieldKind.UNSTRUCTURED, segments_of(subject, Escaping.TEXT, marks, links_among(marks.fields))
        ),
        HeaderField("Message-ID", FieldKind.VERBATIM, ("<", Placeholder("message_id", Escaping.TEXT), ">")),
        Fixed(unstructured("Content-Language", "nl")),
        Fixed(verbatim("List-Unsubscribe", f"<mailto:{answer_to}?subject={stop}>")),
        Fixed(verbatim("X-Auto-Response-Suppress", "OOF, AutoReply")),
    ]
    if context.automatic:
        fields.append(Fixed(verbatim("Auto-Submitted", "auto-generated")))
    return fields


#: The beginning of the subject of a mail that asks for no more invitations.
UNSUBSCRIBE = "Graag geen uitnodigingen meer"


def _unsubscribe_subject(settings: Settings) -> str:
    return UNSUBSCRIBE + (f" van {settings.association}" if settings.association else "")


class Addressed(NamedTuple):
    """A member's letter and the values for its holes.

    ``direct``: the letter is not shared, because the template made that impossible.
    """

    addressee: Addressee
    letter: Letter
    values: Mapping[str, str]
    direct: bool = False

    def message(self, message_id: str, moment: datetime, content: Content = no_content) -> Message:
        """Return the message, dated ``moment`` (aware)."""
        return self.letter.address(self.complete(message_id, moment), content)

    def complete(self, message_id: str, moment: datetime) -> dict[str, str]:
        """Return every value that fills the letter.

        The letter and these values are enough to make the message again.
        """
        date, dtstamp = _moment_values(moment, moment.utcoffset() or timedelta(0))
        return {**self.values, "message_id": message_id, "date": date, "dtstamp": dtstamp}


@lru_cache(maxsize=8)
def _moment_values(moment: datetime, offset: timedelta) -> tuple[str, str]:
    """Return Date and DTSTAMP for every message of a moment.

    ``offset`` is the moment's UTC offset, in which equal moments may differ.
    """
    return _second_values(moment.replace(tzinfo=None, microsecond=0), offset)


@lru_cache(maxsize=8)
def _second_values(local: datetime, offset: timedelta) -> tuple[str, str]:
    moment = local.replace(tzinfo=timezone(offset))
    return format_datetime(moment), utc_text(moment)


@dataclass(frozen=True, slots=True)
class Composition:
    """All letters of a mailing, and the letter of each member.

    ``of`` has one letter per member. Its values are computed when an item of ``addressed`` is read, so that a hundred
    thousand members take hardly any memory.
    """

    addressed: Sequence[Addressed]
    of: Sequence[Letter]

    @property
    def letters(self) -> tuple[Letter, ...]:
        """Return the distinct letters, in the order of their first member."""
        return tuple({id(letter): letter for letter in self.of}.values())


def compose(
    context: MailingContext,
    templates: Templates,
    addressees: Sequence[Addressee],
    progress: Callable[[int], None] = lambda done: None,
) -> Composition:
    """Return the letters for these members.

    Each mail is rendered with merge marks and directly. If filling the marks gives the direct rendering, members with
    the same marked rendering share a letter. If a template measured or cut a mark, that member's letter is made from
    the direct rendering.

    ``progress`` receives the number of members that are done.

    :raises UserError: with the faults of all templates and members.
    """
    composing = _Composing(context, templates)
    alike = composing.sorted(addressees, progress)
    tried: dict[int, Letter | UserError | None] = {}
    shared: dict[int, Letter] = {}  # by group
    own: dict[int, Letter] = {}  # by member
    faults: dict[Fault, list[str]] = {}
    for number, group in enumerate(alike):
        if group not in tried:
            tried[group] = _tried(composing.share, addressees[number])
        found, letters, key = tried[group], shared, group
        if found is None:
            found, letters, key = _tried(composing.direct, addressees[number]), own, number
        if isinstance(found, Letter):
            letters[key] = found
        elif found is not None:
            who = full_name(addressees[number].member.name) or addressees[number].member.email
            for fault in found.faults:
                faults.setdefault(fault, []).append(who)
    if faults:
        raise UserError(*(_for_members(fault, names, len(addressees)) for fault, names in faults.items()))

    of = [own.get(number) or shared[group] for number, group in enumerate(alike)]

    def addressed(number: int) -> Addressed:
        letter, addressee = of[number], addressees[number]
        return Addressed(addressee, letter, composing.values(letter, addressee), number in own)

    return Composition(Lazily(len(of), addressed), of)


def _tried(make: Callable[[Addressee], Letter | None], addressee: Addressee) -> Letter | UserError | None:
    try:
        return make(addressee)
    except UserError as error:
        return error


_NAMED = 3  # the most members that are named for one fault


def _for_members(fault: Fault, names: Sequence[str], everyone: int) -> Fault:
    words = {"fault": fault.fault, "names": ", ".join(names[:_NAMED]), "more": len(names) - _NAMED}
    if len(names) == everyone > 1:
        said = _("%(fault)s (in every mail)")
    elif len(names) > _NAMED:
        said = _("%(fault)s (in the mails for %(names)s and %(more)d more)")
    else:
        said = _("%(fault)s (in the mail for %(names)s)")
    return Fault(fault.place, said % words, fault.remedy)


def message_id(secret: bytes, event: str, mailing: str, edition: int, person: str, version: int, domain: str) -> str:
    """Return the Message-ID of a person's message (RFC 5322 §3.6.4).

    It has no angle brackets. It is known before the first try and is the same at every retry; ``version`` counts how
    often the message was composed again.
    """
    subject = "\0".join((event, mailing, str(edition), person, str(version)))
    return f"{keyed(secret, subject).hex()[:32]}@{domain}"


class _Composing:
    """One pass over the members, which finds the letters they share."""

    def __init__(self, context: MailingContext, templates: Templates) -> None:
        self._context = context
        self._form: Form = context.settings.form
        self._links = answer_links(context.event, context.settings, context.proof)
        self._layout = templates.layout()
        self._renderer = _renderer(context, templates)
        templates.know(template_names(context))
        self._uses = _uses(context, templates)
        self._letters: dict[Rendering, Letter] = {}
        self._fields: dict[int, tuple[tuple[str, ...], bool]] = {}
        self._taken = TakenMarks()
        for text in _texts(context):
            _check_private_use(text)
        for text in (*_texts(context), *_template_sources(context, templates)):
            self._taken.look_at(text)
        self._marks = Marks("", ())

    def sorted(self, addressees: Sequence[Addressee], progress: Callable[[int], None]) -> Sequence[int]:
        """Group the members whose mails are alike, and choose the marks.

        Return the number of each member's group.

        :raises UserError: if a text contains a character that no mail program can show.
        """
        groups: dict[object, int] = {}
        # No template prints these, but every mark is numbered among them, and boundaries follow from the marks.
        fields = {"dtstamp", "to_name", "to_address", "uid"}
        alike = array("L")
        for done, addressee in enumerate(addressees, start=1):
            values = self._personal(addressee)
            changed = [text for change in addressee.changes for text in (change.old, change.new)]
            said = "\n".join((*values.values(), *changed))
            _check_private_use(said)
            self._taken.look_at(said)
            fields.update(values)
            seen = rendering_key(values, addressee.answer, self._uses)
            own = (len(addressee.copy_of), len(addressee.files), addressee.certified, addressee.is_guest)
            key = (seen, addressee.changes, entry_form(self._context, addressee), *own)
            alike.append(groups.setdefault(key, len(groups)))
            progress(done)
        self._marks = Marks(self._taken.free_prefix, tuple(sorted(fields)))
        return alike

    def share(self, addressee: Addressee) -> Letter | None:
        """Return the letter that this member's group shares.

        Return None if the template measured or cut a mark.
        """
        values = self._personal(addressee)
        marked = self._render(addressee, values, self._marks.of)
        direct = self._render(addressee, values, lambda field: "")
        return self._letter(marked) if _filled(marked, self._marks, values) == direct.sources else None

    def direct(self, addressee: Addressee) -> Letter:
        """Return this member's own letter."""
        return self._letter(self._render(addressee, self._personal(addressee), lambda field: ""))

    def values(self, letter: Letter, addressee: Addressee) -> dict[str, str]:
        """Return the values that fill the letter for a member."""
        fields, of_member = self._fields.get(id(letter)) or self._know(letter)
        values = self._personal(addressee) if of_member else greeting_values(addressee, self._links, self._form)
        values |= {"to_name": full_name(addressee.member.name), "to_address": addressee.member.email}
        values["uid"] = addressee.uid
        if letter.is_personal:
            values |= {**_file_values(addressee), "files": files_value(addressee.files)}
        # Whose mail a copy is of is kept with it, so that they can be forgotten.
        kept = {f"{COPIED_PERSON}{number}": each.person for number, each in enumerate(addressee.copy_of)}
        return {field: values[field] for field in fields if field in values} | kept

    def _know(self, letter: Letter) -> tuple[tuple[str, ...], bool]:
        """Return the letter's fields, and whether some are the member's own."""
        fields = tuple(sorted(letter.fields))
        known = self._fields[id(letter)] = fields, any(field.startswith("member.") for field in fields)
        return known

    def _personal(self, addressee: Addressee) -> dict[str, str]:
        return {**personal_values(addressee, self._links, self._form), **_file_values(addressee)}

    def _letter(self, rendering: Rendering) -> Letter:
        letter = self._letters.get(rendering)
        if letter is None:
            letter = self._letters[rendering] = letter_of(rendering, self._context, self._layout, self._marks)
        return letter

    def _render(self, addressee: Addressee, values: Mapping[str, str], mark_of: Callable[[str], str]) -> Rendering:
        names: dict[str, object] = {"answer": addressee.answer, "changes": _named_changes(addressee.changes)}
        names |= {"certificate": addressee.certified, "guest": addressee.is_guest}
        if addressee.files:
            own = tuple(Value(name, mark_of(field)) for field, name in _file_values(addressee).items())
            names["mailing"] = _mailing_names(self._context, own)
        return self._renderer.render({**personal_names(values, mark_of), **names}, entry_form(self._context, addressee))


def template_names(context: MailingContext) -> frozenset[str]:
    """Return every name that a template is given, besides macros."""
    links = ("signup_link", "decline_link", "token")
    personal = ("member", "salutation", *links, "choices", "answer", "certificate", "guest", "entry", "copy_of")
    return frozenset({*_common_names(context), *personal})


def _filled(rendering: Rendering, marks: Marks, values: Mapping[str, str]) -> tuple[str, ...]:
    """Return the texts of a marked rendering with its marks filled."""

    links = links_among(marks.fields)

    def value(field: str) -> str:
        return quote_link(values[field]) if field in links else quote(values[field])

    return tuple(
        "".join(text + (value(field) if field is not None else "") for text, field in marks.split(source))
        for source in rendering.sources
    )


def _named_changes(changes: Sequence[Change]) -> tuple[dict[str, Value], ...]:
    return tuple({"what": Value(change.what), "old": Value(change.old), "new": Value(change.new)} for change in changes)


def _renderer(context: MailingContext, templates: Templates) -> Renderer:
    subject = context.mailing.subject
    own = templates.inline(f"subject of {context.name}", subject) if subject else None
    return Renderer(
        templates=templates,
        mail=templates.mail(context.template),
        signature=templates.part("signature.md"),
        footer=templates.part("footer.md"),
        calendar=templates.part("calendar.txt"),
        subject=own if not context.copied else None,
        copied=(own or templates.mail(context.copied).subject) if context.copied else None,
        names=_common_names(context),
    )


def _common_names(context: MailingContext) -> dict[str, object]:
    """Return the names that templates are given for every member alike."""
    return {
        **common_names(context.event, context.settings.form),
        "mailing": _mailing_names(context),
        "sender": named(context.settings.sender),
        "association": Value(context.settings.association),
        "footer": Markup(context.settings.footer) if context.settings.footer else None,
        "changes": (),  # each member has their own
        "original": context.original,
        "printed": context.printed,
        "mail_subject": "",  # an assistant's copy has that of the mail
        "cancelled": context.cancelled,
        "signup_closed": context.signup_closed,
        "begun": context.begun,
        "by_mail": is_by_mail(context.event),
        "answers_go_to": Value(answers_go_to(context.settings)),
    }


def _mailing_names(context: MailingContext, own: tuple[Value, ...] = ()) -> dict[str, object]:
    """Return the mailing as templates see it; ``own`` are the names of a person's own files."""
    return {
        "name": context.name,
        "text": Markup(context.mailing.text) if context.mailing.text else None,
        "attachments": (*(Value(file.name) for file in context.attachments), *own),
    }


def _file_values(addressee: Addressee) -> dict[str, str]:
    """Return the names of a person's own files by their fields."""
    return {f"file.{number}": file.name for number, file in enumerate(addressee.files)}


def _uses(context: MailingContext, templates: Templates) -> Uses:
    trees = [templates.parsed(name) for name in _template_files(context)]
    if context.copied:
        trees.append(templates.parsed(f"{context.copied}.md"))
    if context.mailing.subject:
        trees.append(templates.text.parse(context.mailing.subject))
    return uses_of(trees)


def _template_files(context: MailingContext) -> tuple[str, ...]:
    shared = ("signature.md", "footer.md", "calendar.txt", "phrases.md", "blocks.html", "blocks.txt")
    return (f"{context.template}.md", *shared)


def worded_files(context: MailingContext) -> tuple[str, ...]:
    """Return the names of the templates whose words the mailing's mails may have."""
    return (*_template_files(context), "layout.html", "layout.txt")


def _template_sources(context: MailingContext, templates: Templates) -> Iterable[str]:
    names = (*worded_files(context), "mail.css")
    return (templates.source(name) for name in names)


def _texts(context: MailingContext) -> tuple[str, ...]:
    return (
        context.event.model_dump_json(),
        context.mailing.model_dump_json(),
        context.settings.model_dump_json(),
    )


def _check_private_use(text: str) -> None:
    if not text.isascii() and (found := PRIVATE_USE.search(text)):
        raise user_error(
            "",
            _("a text holds the private use character U+%(code)04X, which no mail program can show")
            % {"code": ord(found[0])},
            _("remove it; it often comes from a symbol font in Word"),
        )
