"""The words of a certificate: ``templates/certificate.md``, Markdown with Jinja, as blocks for a typesetter.

A block is ``[kind, runs]``, a run ``[text, style]``; all of them are texts, never markup. Kinds are ``title`` (the
heading ``#``), ``name`` (the heading ``##``), ``heading``, ``paragraph`` and ``item``; styles are ``strong``, ``emph``,
``break``, or nothing.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from jinja2 import Template
from markdown_it.token import Token

from mkwmail.config.event import Event
from mkwmail.config.settings import Settings
from mkwmail.dutch.names import Name
from mkwmail.errors import user_error
from mkwmail.i18n import _
from mkwmail.mail.context import Addressee, common_names, named, personal_names, personal_values
from mkwmail.mail.markdown import parsed
from mkwmail.mail.merge import Value, unquote
from mkwmail.mail.templates import Templates, rendered
from mkwmail.members.member_list import Member

FILE = "certificate.md"

Run = list[str]
Block = tuple[str, list[Run]]

_HEADINGS = {"h1": "title", "h2": "name"}


@dataclass(frozen=True, slots=True)
class CertificateText:
    """The template of an event's certificates, compiled."""

    event: Event
    settings: Settings
    templates: Templates
    template: Template

    @classmethod
    def compiled(cls, event: Event, settings: Settings, templates: Templates) -> "CertificateText":
        """Read and compile the template.

        :raises UserError: if it has a fault, with its line.
        """
        text = cls(event, settings, templates, templates.part(FILE))
        templates.know(text._names(Member(0, Name(), "")))
        return text

    def blocks(self, member: Member) -> list[Block]:
        """Return the certificate's text for a person.

        :raises UserError: if the template has a fault, or no heading ``#`` for the title or ``##`` for the name.
        """
        markdown = rendered(self.template, FILE, self._names(member))
        found = list(_blocks(parsed(markdown)))
        for kind, sign in (("title", "#"), ("name", "##")):
            if sum(each[0] == kind for each in found) != 1:
                fault = _('the text must have one line that begins with "%(sign)s ": %(what)s')
                what = _("the title of the certificate") if kind == "title" else _("the name of the person")
                raise user_error(f"templates/{FILE}", fault, sign=sign, what=what)
        return found

    def _names(self, member: Member) -> dict[str, Any]:
        form = self.settings.form
        values = personal_values(Addressee("", member, ""), {}, form)
        names = {
            **common_names(self.event, form),
            **personal_names(values, lambda field: ""),
            "sender": named(self.settings.sender),
            "association": Value(self.settings.association or ""),
            "mailing": {"name": "", "text": None, "attachments": ()},
            "answer": "present",
            "changes": (),
            "original": None,
            "printed": True,
            "certificate": True,
        }
        return {**self.templates.macros(self.templates.text, "phrases.md", names), **names}


def _blocks(tokens: Iterable[Token]) -> Iterator[Block]:
    kind = "paragraph"
    item = False
    for token in tokens:
        match token.type:
            case "heading_open":
                kind = _HEADINGS.get(token.tag, "heading")
            case "heading_close":
                kind = "paragraph"
            case "list_item_open":
                item = True
            case "list_item_close":
                item = False
            case "inline":
                runs = list(_runs(token.children or []))
                if any(text.strip() for text, _style in runs):
                    yield ("item" if item and kind == "paragraph" else kind), runs


def _runs(tokens: Iterable[Token]) -> Iterator[Run]:
    styles: list[str] = []
    for token in tokens:
        match token.type:
            case "strong_open" | "em_open":
                styles.append("strong" if token.type == "strong_open" else "emph")
            case "strong_close" | "em_close":
                styles.pop()
            case "text" | "code_inline":
                if token.content:
                    yield [unquote(token.content), styles[-1] if styles else ""]
            case "softbreak":
                yield [" ", ""]
            case "hardbreak":
                yield ["", "break"]
