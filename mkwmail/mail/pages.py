"""Pages for a browser: the gallery of a mailing, letters on paper, and the guide.

The gallery shows all mails of a mailing. It is self-contained: it sends no requests, scripts and styles are its own or
the mail's, and each mail is in a frame without scripts. Letters are stored once, and values separately. The page fills
the letter for the selected member by the rules of :mod:`mkwmail.mail.merge` and :mod:`mkwmail.mail.letter`; a test
checks that they agree. The page of letters has a sheet for each member who has no mail address.
"""

import hashlib
import html
import json
import re
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from mkwmail.dutch.names import Form, full_name, salutation
from mkwmail.i18n import _, ngettext, size, some
from mkwmail.mail.compose import Addressed, Composition
from mkwmail.mail.letter import Letter, Message
from mkwmail.mail.letter_view import LetterView, Passage, fixed_words, heard, invented, names_its_members, opened
from mkwmail.mail.merge import Placeholder, Segments, files_in
from mkwmail.members.member_list import Member
from mkwmail.members.names import odd


def page_words(one_per_letter: bool) -> dict[str, Any]:
    """Return the page's words by their names in page.html and page.js."""
    words = {**_frame(one_per_letter), **_mail(), **_entry(), **_variant_words(), **_help()}
    return {**words, "fields": _value_words()}


def _frame(one_per_letter: bool) -> dict[str, str]:
    return {
        # Translators: the code of the language that you translate into (RFC 5646), such as nl.
        "language": _("en"),
        "list": _("Variants") if one_per_letter else _("Members"),
        "search": _("Search variants") if one_per_letter else _("Name, address, organisation"),
        "found": _("%(found)s of %(all)s"),
        "none_found": _("Nobody found"),
        "none": _("There are no mails."),
        "warnings": _("What to look at"),
        "previous": _("Previous"),
        "next": _("Next"),
        "open_list": _("Show the list"),
        "close_list": _("Close the list"),
        "no_script": _("This page needs JavaScript, which is switched off in this browser."),
    }


def _mail() -> dict[str, str]:
    return {
        "views": _("How the mail is shown"),
        "view_mail": _("Mail"),
        "view_text": _("Plain text"),
        "view_head": _("Head and files"),
        "view_differences": _("Differences"),
        "width": _("Width"),
        "desktop": _("Desktop"),
        "phone": _("Phone"),
        "colours": _("Colours"),
        "light": _("Light"),
        "dark": _("Dark"),
        "mail_of": _("The mail for %(name)s"),
        "from": _("From"),
        "to": _("To"),
        "head": _("Head"),
        "files": _("Files"),
        "no_files": _("This mail has no attachments."),
        "file": _("File"),
        "type": _("Type"),
        "size": _("Size"),
    }


def _entry() -> dict[str, str]:
    return {
        "calendar": _("Calendar entry"),
        "no_calendar": _("This mail has no calendar entry."),
        "calendar_source": _("As it is in the mail"),
        "PUBLISH": _("An attached file, which readers open to put the event into their calendars; no answer buttons."),
        "REQUEST": _("An invitation with answer buttons: accept, tentative, decline."),
        "CANCEL": _("A cancellation: most calendars remove the entry, or offer a button that does."),
        "summary": _("Title"),
        "when": _("When"),
        "where": _("Where"),
        "organizer": _("Organiser"),
        "attendee": _("Invited"),
        "alarm": _("Reminder"),
        "before": _("%(time)s before"),
        "status": _("Status"),
        "CONFIRMED": _("confirmed"),
        "TENTATIVE": _("provisional"),
        "CANCELLED": _("cancelled"),
        "description": _("Description"),
    }


def _variant_words() -> dict[str, str]:
    return {
        "variant": _("Variant %(number)s"),
        "only_variant": _("All mails have this text; only names and other personal values differ."),
        "most_common": _("This is the most common text."),
        "direct": _(
            "The template cuts or changes a personal value here, so this mail was composed for one member alone."
        ),
        "compared": _("Compared with the most common text"),
        "variants": _("All variants"),
        "such_as": _("such as %(name)s"),
        "more_variants": _("and %(n)s more"),
        "same_text": _("Subject, text, calendar entry and files are the same; the differences are in the HTML:"),
        "no_difference": _("There is no difference that can be read."),
        "subject": _("Subject"),
        "in_common": _("most common text"),
        "in_this": _("this mail"),
        "variant_column": _("Variant"),
        "otherwise": _("What is different in it"),
        "in_html": _("only the HTML"),
        "values": _("Differs from member to member"),
        "value": _("Value"),
        "how_many": _("Different"),
        "examples": _("For example"),
    }


def _value_words() -> dict[str, str]:
    """Return the values that may differ, by their fields in a letter; columns of the list keep their own names."""
    return {
        "salutation": _("salutation"),
        "member.first_name": _("first name"),
        "member.initials": _("initials"),
        "member.prefix": _("prefix"),
        "member.surname": _("surname"),
        "member.name": _("name"),
        "member.organisation": _("organisation"),
        "member.function": _("position"),
        "member.number": _("member number"),
        "member.email": _("mail address"),
        "to_address": _("recipient’s address"),
        "signup_link": _("sign-up link"),
        "choices": _("optional parts"),
    }


def _help() -> dict[str, str]:
    return {
        "key_help": _("Keys"),
        "key_members": _("previous and next"),
        "key_search": _("search"),
        "key_views": _("mail, text, head, differences"),
        "key_phone": _("phone or desktop"),
        "key_dark": _("dark or light"),
        "links": _("Links in the mail do nothing here. Click on a sentence to see its file and line."),
        "written": _("Written in %(place)s"),
        "not_written": _("No file has these words: mkwmail makes them from the details of the event or the member."),
    }


_PAGE = Path(__file__).parent / "gallery_page"
_SCRIPTS = ("filling.js", "calendar.js", "differences.js", "passages.js", "page.js")


def gallery_page(
    composition: Composition,
    *,
    title: str,
    moment: datetime,
    message_ids: Mapping[str, str],
    form: Form,
    warnings: Sequence[str] = (),
    one_per_letter: bool = False,
    passages: Sequence[Passage] = (),
) -> str:
    """Return the page as HTML, to be written in UTF-8.

    ``moment`` (aware) dates the mails. ``message_ids`` has each person's Message-ID, without angle brackets; a mail
    that was tried before has an ID and a date in its values, and keeps them. ``warnings`` are shown at the top,
    unchanged. The members whose salutation in ``form`` is odd come first. A click on a sentence shows the file and the
    line among ``passages`` that has most of its words.

    ``one_per_letter`` makes a page that may be shared: one mail of each variant, with invented values and no list of
    members. A variant whose fixed text identifies its member is left out, and the page says so.
    """
    everybody = tuple(sorted(composition.addressed, key=lambda one: not _oddity(one, form)))
    variants = _variants(everybody)
    kept = [variant for variant in variants if not (one_per_letter and variant.tells)]
    lines = _Lines()
    letters = [_letter(variant, len(everybody), lines) for variant in kept]
    if one_per_letter:
        members = [_example(number, variant, moment) for number, variant in enumerate(kept)]
        left_out = len(variants) - len(kept)
        warnings = (*warnings, _left_out(left_out)) if left_out else warnings
    else:
        number_of = {id(one): number for number, variant in enumerate(kept) for one in variant.addressed}
        members = [
            _member(number_of[id(one)], kept[number_of[id(one)]], one, form, message_ids, moment) for one in everybody
        ]
        odd_ones = sum(bool(_oddity(one, form)) for one in everybody)
        warnings = (*warnings, _odd_salutations(odd_ones)) if odd_ones else warnings

    words = "".join(fixed_words(variant.opened) for variant in kept)
    found = [[each.place, each.texts, _copying(each)] for each in heard(passages, words)]
    data = {
        "passages": found,
        "letters": letters,
        "members": members,
        "lines": lines.all,
        "words": page_words(one_per_letter),
    }
    return _written(title, len(everybody), len(variants), warnings, data)


def _copying(passage: Passage) -> str:
    if not passage.copied_by:
        return ""
    command = f"mkwmail template {passage.copied_by.removesuffix('.md')}"
    return _("a text of mkwmail; for one of your own: %(command)s") % {"command": command}


@dataclass(frozen=True, slots=True)
class _Variant:
    """A letter and its members.

    ``fields`` is the order of their values in the page.
    """

    opened: LetterView
    fields: tuple[str, ...]
    addressed: tuple[Addressed, ...]

    @property
    def tells(self) -> bool:
        return names_its_members(self.opened, self.addressed)


def _variants(addressed: Sequence[Addressed]) -> list[_Variant]:
    """Return the letters, the most common first."""
    members: dict[Letter, list[Addressed]] = {}
    known: dict[int, list[Addressed]] = {}
    for one in addressed:
        # Letters are slow to compare, so members who share the same object are found by its identity.
        group = known.get(id(one.letter))
        if group is None:
            group = known[id(one.letter)] = members.setdefault(one.letter, [])
        group.append(one)
    most_common = sorted(members.items(), key=lambda pair: -len(pair[1]))
    return [_Variant(opened(letter), tuple(sorted(letter.fields)), tuple(group)) for letter, group in most_common]


class _Lines:
    """Lines that every letter may refer to by their number.

    Letters share most of their lines.
    """

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    @property
    def all(self) -> list[str]:
        return list(self._numbers)

    def number(self, text: str) -> int:
        return self._numbers.setdefault(text, len(self._numbers))


def _letter(variant: _Variant, members: int, lines: _Lines) -> dict[str, Any]:
    said, count = variant.opened, len(variant.addressed)
    first = variant.addressed[0]
    # The size of a calendar hardly differs per member, so the first member's is used for all.
    values = {field: first.values.get(field, "") for field in variant.fields}

    def segments(parts: Segments) -> list[Any]:
        return [
            [variant.fields.index(part.field), part.place] if isinstance(part, Placeholder) else part for part in parts
        ]

    def line(parts: Segments) -> int | list[Any]:
        if any(isinstance(part, Placeholder) for part in parts):
            return segments(parts)
        return lines.number("".join(str(part) for part in parts))

    return {
        "fields": variant.fields,
        "count": count,
        "direct": first.direct,
        "words": ngettext("%(n)s of %(all)s members has this text", "%(n)s of %(all)s members have this text", count)
        % {"n": count, "all": members},
        "head": [[field.name, None if field.text is None else segments(field.text)] for field in said.head],
        "text": [line(parts) for parts in said.text],
        "html": [line(parts) for parts in said.html],
        "calendar": [line(parts) for parts in said.calendar],
        "files": [[file.name, file.content_type, size(file.size(values))] for file in said.files],
        "own": variant.fields.index("files") if "files" in variant.fields else None,
        "images": {name: lines.number(url) for name, url in said.images.items()},
    }


def _member(
    number: int, variant: _Variant, one: Addressed, form: Form, message_ids: Mapping[str, str], moment: datetime
) -> list[Any]:
    member = one.addressee.member
    values = {**one.complete(message_ids[one.addressee.person], moment), **one.values}
    filled = _values(variant, values)
    words = one.values.get("salutation") or salutation(member.name, form)
    place = member.organisation
    if one.addressee.copy_of:
        names = [full_name(each.member.name) or each.member.email for each in one.addressee.copy_of]
        place = _("copy for %(members)s") % {"members": some(names)}
    return [number, full_name(member.name), member.email, place, words, _oddity(one, form), filled]


def _example(number: int, variant: _Variant, moment: datetime) -> list[Any]:
    values = invented(variant.addressed[0].complete("", moment))
    count = len(variant.addressed)
    name = _("Variant %(number)s") % {"number": number + 1}
    members = ngettext("%(n)s member", "%(n)s members", count) % {"n": count}
    return [number, name, members, "", "", "", _values(variant, values)]


def _values(variant: _Variant, values: Mapping[str, str]) -> list[Any]:
    """Return the values in the order of the page, a person's own files as its rows."""
    own = [[file.name, file.content_type, size(file.octets)] for file in files_in(values)]
    return [own if field == "files" else values[field] for field in variant.fields]


def _oddity(one: Addressed, form: Form) -> str:
    """Return what is odd about a salutation; nothing in an assistant's copy, whose name is often not known."""
    return "" if one.addressee.copy_of else odd(one.addressee.member.name, form)


def _odd_salutations(count: int) -> str:
    return ngettext(
        "%(n)d odd salutation: it comes first in the list.",
        "%(n)d odd salutations: they come first in the list.",
        count,
    ) % {"n": count}


def _left_out(count: int) -> str:
    return ngettext(
        "%(n)s variant is not shown: its text shows who it is for.",
        "%(n)s variants are not shown: their texts show who they are for.",
        count,
    ) % {"n": count}


def _written(title: str, members: int, variants: int, warnings: Sequence[str], data: dict[str, Any]) -> str:
    script = "\n".join((_PAGE / name).read_text(encoding="utf-8") for name in _SCRIPTS)
    style = (_PAGE / "page.css").read_text(encoding="utf-8")
    # The page allows the mail's own style sheets in its frame, and only by this nonce. It need not be secret, because
    # nothing can be added to a page that is already made.
    nonce = hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:32]
    return _rendered(
        "page.html",
        title=title,
        summary=_summary(members, variants),
        warnings=warnings,
        words=data["words"],
        policy=_policy(script, nonce),
        nonce=nonce,
        style=Markup(style),
        script=Markup(script),
        data=Markup(_json({**data, "nonce": nonce})),
    )


def _rendered(name: str, **values: object) -> str:
    environment = Environment(autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True)
    return environment.from_string((_PAGE / name).read_text(encoding="utf-8")).render(values)


def _summary(members: int, variants: int) -> str:
    count = ngettext("%(n)s mail", "%(n)s mails", members) % {"n": members}
    if variants < 2:
        return count
    return _("%(mails)s in %(n)s variants") % {"mails": count, "n": variants}


def _policy(script: str, nonce: str) -> str:
    """Return the Content-Security-Policy (CSP Level 3).

    The mails' frames inherit it (HTML §7.1.7.1). A mail's style attributes are allowed, because they cannot fetch
    anything. ``about:`` is the frames' own address, which WebKit requires; a link that is followed inside a frame has
    another address.
    """
    digest = b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'sha256-{digest}'",
            f"style-src-elem 'nonce-{nonce}'",
            "style-src-attr 'unsafe-inline'",
            "img-src data:",
            "frame-src about:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _json(data: dict[str, Any]) -> str:
    """Return JSON that is safe inside an HTML script element.

    No HTML parser can take it for the end of the element, or for a comment.
    """
    written = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return written.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


#: The guide and the pages that it refers to, by their names in ``docs/``.
PAGES = ("handleiding", "beheer", "overnemen", "formulieren", "microsoft365", "google")

#: The chapters of the guide itself, by the word to type: their headings.
SECTIONS: Mapping[str, str] = {
    "inloggen": "De werkmap, en één keer inloggen",
    "vooraankondiging": "Januari: de vooraankondiging",
    "uitnodiging": "Februari: de uitnodiging",
    "aanmeldingen": "Maart: de aanmeldingen en de herinnering",
    "wijzigingen": "April: wijzigingen, praktische informatie en de dag zelf",
    "opruimen": "Mei: bedanken, verslag doen, opruimen",
    "papieren": "Papieren: bewijs van deelname, badges, presentielijst",
    "misgaat": "Als er iets misgaat",
    "ledenlijst": "De ledenlijst uit Excel",
    "teksten": "Eigen teksten",
    "voorzitter": "De voorzitter laten meekijken",
    "woorden": "Woordenlijst",
}


def place_of(chapter: str) -> tuple[str, str]:
    """Return the page of a chapter, and the name of its heading there; empty for a whole page.

    :raises KeyError: if there is no such chapter.
    """
    return (chapter, "") if chapter in PAGES else (PAGES[0], _anchor(SECTIONS[chapter]))


_STYLE = Path(__file__).with_name("guide.css")
_TO_PAGE = re.compile(r"^([\w-]+)\.md(#.*)?$")


def guide_page(text: str, docs: Path) -> str:
    """Return a page of the guide, written in Markdown, as HTML.

    Links to other chapters lead to their pages, pictures to their files in ``docs``, and other files to nowhere.
    """
    from markdown_it import MarkdownIt

    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(text)
    title = next((tokens[at + 1].content for at, each in enumerate(tokens) if each.type == "heading_open"), "mkwmail")
    for at, token in enumerate(tokens):
        if token.type == "heading_open":
            token.attrSet("id", _anchor(tokens[at + 1].content))
        for child in token.children or ():
            if child.type == "image":
                child.attrSet("src", (docs / str(child.attrGet("src"))).resolve().as_uri())
            elif child.type == "link_open" and (found := _TO_PAGE.match(str(child.attrGet("href")))):
                name, place = found[1], found[2] or ""
                child.attrSet("href", f"{name}.html{place}" if name in PAGES else place or "#")
    style = _STYLE.read_text(encoding="utf-8")
    body = markdown.renderer.render(tokens, markdown.options, {})
    return (
        f'<!DOCTYPE html>\n<html lang="nl"><head><meta charset="utf-8"><title>{html.escape(title)}</title>\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<style>\n{style}</style></head>\n'
        f"<body>\n{body}</body></html>\n"
    )


def _anchor(heading: str) -> str:
    """Return the name of a heading in links, as GitHub and GitLab make it."""
    return re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", heading.casefold().strip()))


_BODY = re.compile(r"<body[^>]*>(.*)</body>", re.DOTALL | re.IGNORECASE)


def letters_page(letters: Iterable[tuple[Member, Message]], title: str) -> str:
    """Return the page as HTML, to be written in UTF-8.

    Each sheet has the member's name and organisation, and the letter as the mail's HTML says it.
    """
    return _rendered(
        "letters.html", title=title, sheets=[(_address(who), _on_paper(message)) for who, message in letters]
    )


def _address(member: Member) -> str:
    return "\n".join(line for line in (member.organisation, full_name(member.name)) if line)


def _on_paper(message: Message) -> Markup:
    mail = message_from_bytes(message.data, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    part = mail.get_body(("html",))
    html = str(part.get_content()) if part is not None else ""
    for image in mail.walk():
        name, data = str(image["Content-ID"] or "").strip("<>"), image.get_payload(decode=True)
        if name and isinstance(data, bytes):
            url = f"data:{image.get_content_type()};base64,{b64encode(data).decode('ascii')}"
            html = html.replace(f"cid:{name}", url)
    body = _BODY.search(html)
    return Markup(body[1] if body else html)  # made by the mail's own templates, in which values are escaped
