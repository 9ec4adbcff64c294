"""Templates: finding, reading and rendering them, and their faults."""

import html
import re
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import FileSystemLoader, Template, TemplateSyntaxError, UndefinedError, nodes
from jinja2.exceptions import SecurityError
from markupsafe import Markup

from mkwmail.config.event_file import OTHER_FIELD
from mkwmail.config.folder import template_text
from mkwmail.errors import Fault, UserError, user_error
from mkwmail.i18n import _
from mkwmail.mail.context import FILTERS, EntryForm
from mkwmail.mail.markdown import html_of, text_of
from mkwmail.mail.merge import hang_at, printed
from mkwmail.mail.sandbox import ForbiddenError, TemplateEnvironment

HEAD_FIELDS = ("subject", "preheader")
_HEAD = re.compile(r"---[ \t]*\n(.*?\n)---[ \t]*\n", re.DOTALL)


@dataclass(frozen=True, slots=True)
class MailTemplate:
    """A kind's template: the fields of its head and its body, compiled."""

    name: str
    subject: Template
    preheader: Template
    body: Template


class Layout(NamedTuple):
    """The templates around every mail's texts, and its style sheet."""

    html: Template
    text: Template
    css: str


def _markdown_to_html(text: object) -> Markup:
    return Markup(html_of(str(text))) if text else Markup("")


def _markdown_to_text(text: object) -> Markup:
    return Markup(text_of(str(text))) if text else Markup("")


def _first_sentence(text: object) -> str:
    lines = text_of(str(text)).split("\n") if text else []
    return re.split(r"(?<=[.!?…])\s", next(filter(None, lines), ""))[0]


def _hang(value: object, columns: int) -> Markup:
    return Markup(hang_at(columns)) + printed(value)


class Templates:
    """The templates of a working folder.

    Templates that are missing there come with the program. ``folders`` are searched in order. Faults name a template by
    its path relative to the working folder.
    """

    def __init__(self, folders: tuple[Path, ...]) -> None:
        self._folders = folders
        self._loader = FileSystemLoader([str(folder) for folder in folders], encoding="utf-8-sig")
        self._texts: dict[str, str] = {}
        self._made: dict[tuple[str, str], Template] = {}
        self.html = self._environment(markdown=_markdown_to_html)
        self.text = self._environment(markdown=_markdown_to_text, hang=_hang)
        self.html.trees = self.text.trees

    def _environment(self, **filters: Any) -> TemplateEnvironment:
        environment = TemplateEnvironment(self._loader)
        environment.filters.update(FILTERS, first_sentence=_first_sentence, **filters)
        return environment

    def know(self, names: Iterable[str]) -> None:
        """Set the names that templates are given.

        The error for an unknown name suggests the nearest of them.
        """
        for environment in (self.html, self.text):
            environment.know(names)

    def source(self, name: str) -> str:
        """Return a template's own text, which is read once.

        :raises UserError: if there is no such template, or it is not UTF-8.
        """
        if name not in self._texts:
            self._texts[name] = template_text(self._folders, name)
        return self._texts[name]

    def mail(self, name: str) -> MailTemplate:
        """Return the template ``<name>.md``: its head and its body.

        :raises UserError: if the head is missing or wrong, or the template has a syntax error.
        """
        file = f"{name}.md"
        return MailTemplate(file, **{part: self._compiled(file, text) for part, text in self._parts(file).items()})

    def mail_trees(self, name: str) -> list[nodes.Template]:
        """Return the syntax trees of the head's lines and the body of the template ``<name>.md``.

        :raises UserError: as :meth:`mail` does.
        """
        file = f"{name}.md"
        with template_faults(file):
            return [self.text.parse(text, file, file) for text in self._parts(file).values()]

    def _parts(self, file: str) -> dict[str, str]:
        text = self.source(file).replace("\r\n", "\n")
        found = _HEAD.match(text)
        if found is None:
            raise user_error(
                f"templates/{file}:1",
                _("the template has no head"),
                _('begin it with "---", a line "subject: …" and a line "preheader: …", and "---"'),
            )
        # The blank lines make a fault in the body name the right line.
        body = "\n" * text[: found.end()].count("\n") + text[found.end() :]
        return {**self._head(file, found[1]), "body": body}

    def _head(self, file: str, head: str) -> dict[str, str]:
        fields = dict.fromkeys(HEAD_FIELDS, "")
        for line, text in enumerate(head.splitlines(), start=2):
            key, colon, value = text.partition(":")
            key = key.strip()
            if not text.strip():
                continue
            if not colon or key not in fields:
                raise user_error(
                    f"templates/{file}:{line}",
                    _('"%(text)s" is not a line of the head'),
                    _("the head has lines that begin with subject: or preheader:"),
                    text=text.strip(),
                )
            # The blank lines make a fault in the value name the right line.
            fields[key] = "\n" * (line - 1) + value.strip()
        return fields

    def _compiled(self, file: str, text: str) -> Template:
        # An event's mailings share most of their templates.
        made = self._made.get((file, text))
        if made is None:
            with template_faults(file):
                code = self.text.compile(text, name=file, filename=file)
                made = self._made[file, text] = Template.from_code(self.text, code, self.text.make_globals(None))
            _refuse_left_over(file, text if file.endswith(".md") else "")
        return made

    def part(self, file: str) -> Template:
        """Return a template without a head, such as ``signature.md``.

        It is plain text or Markdown.
        """
        return self._compiled(file, self.source(file))

    def layout(self) -> Layout:
        """Return what surrounds the texts of every mail."""
        with template_faults("layout.html"):
            html = self.html.get_template("layout.html")
        return Layout(html, self.part("layout.txt"), self.source("mail.css"))

    def parsed(self, file: str) -> nodes.Template:
        """Return a template's syntax tree.

        The lines of the head count as printed text.
        """
        with template_faults(file):
            return self.text.parse(self.source(file), file, file)

    def inline(self, place: str, text: str) -> Template:
        """Return a one-line template that another file contains.

        An example is a mailing's ``subject:``.
        """
        with template_faults(place):
            return self.text.from_string(text)

    def macros(self, environment: TemplateEnvironment, file: str, names: Mapping[str, Any]) -> dict[str, Any]:
        """Return the macros in a file of shared blocks or phrases.

        They are bound to these names.
        """
        with template_faults(file):
            environment.begin()
            module = environment.get_template(file).make_module(dict(names))
        return {name: part for name, part in vars(module).items() if not name.startswith("_")}


_TAG = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_TO_FILL_IN = re.compile(r"\b(?:TODO|FIXME|VUL[ -]IN|INVULLEN|[xX]{3,})\b|\?{3,}")


def _refuse_left_over(file: str, text: str) -> None:
    """Refuse a text in which something would be mailed as it is that was to be filled in."""
    printed = _TAG.sub(lambda tag: "\n" * tag[0].count("\n"), text)
    faults = []
    for pattern, fault in (
        (OTHER_FIELD, _("%(text)s would be mailed as it is: a name to fill in has two braces on both sides")),
        (_TO_FILL_IN, _('"%(text)s" looks like something still to be filled in')),
    ):
        for found in pattern.finditer(printed):
            line = printed.count("\n", 0, found.start()) + 1
            faults.append(Fault(f"templates/{file}:{line}", fault % {"text": found[0]}))
    if faults:
        raise UserError(*faults)


# In a template's language; one line above the text, or below its head.
_NOTE = (
    "{# Een eigen versie van de tekst van mkwmail, die daarvan vanaf nu de plaats inneemt. Wat tussen {{ }} staat, "
    "vult mkwmail in; {% %} kiest tussen teksten. Alle namen staan in de README. Verschil: mkwmail template --diff #}"
)


def names_template(text: str, path: Path) -> bool:
    """Check whether an event file or a template names a template file.

    It does as a mailing, after ``template:``, or in an ``include``.
    """
    stem, name = re.escape(path.stem), re.escape(path.name)
    forms = (rf"^\s*[\"']?{stem}[\"']?\s*:", rf"template:\s*[\"']?{stem}\b", rf"[\"']{name}[\"']")
    return any(re.search(form, text, re.MULTILINE) for form in forms)


def own_copy(name: str, text: str) -> str:
    """Return a shipped text as the copy that people edit, with a note on what is what.

    A note in the mail's style sheet or page would be part of every mail, so that these have none.
    """
    if not name.endswith(".md"):
        return text
    head = _HEAD.match(text)
    at = head.end() if head else 0
    return f"{text[:at]}{_NOTE}\n{text[at:]}"


def without_note(text: str) -> str:
    """Return a copy's text without the note of :func:`own_copy`."""
    return text.replace(f"{_NOTE}\n", "", 1)


def rendered(template: Template, file: str, names: Mapping[str, Any]) -> str:
    """Return the text of a template with these names.

    :raises UserError: with the template's file and line.
    """
    with template_faults(file):
        return template.render(names)


def plain(rendering: str) -> str:
    """Return a rendering that is not markup.

    HTML entities that Jinja made become characters again.
    """
    return html.unescape(rendering)


def description(calendar: Template, names: Mapping[str, Any]) -> str:
    """Return the description of a calendar entry, with at most one empty line between its paragraphs.

    :raises UserError: if ``calendar.txt`` has a fault, with its line.
    """
    return re.sub(r"\n{3,}", "\n\n", plain(rendered(calendar, "calendar.txt", names)).strip())


@contextmanager
def template_faults(file: str) -> Iterator[None]:
    """Turn any error of a template into a fault with its file and line."""
    try:
        yield
    except UserError:
        raise
    except TemplateSyntaxError as error:
        place = f"{_shown(error.name or file)}:{error.lineno}"
        raise user_error(place, _syntax_fault(error.message or "")) from None
    except Exception as error:
        raise user_error(_place_of(error, file), _filling_fault(error)) from None


def _filling_fault(error: Exception) -> str:
    """Return the reason why a valid template could not be filled in.

    Python's own messages are English, and for programmers.
    """
    match error:
        case UndefinedError() | ForbiddenError():
            return str(error)
        case ZeroDivisionError():
            return _("the template divides by zero")
        case SecurityError():
            found = re.search(r"['\"“](\w+)", str(error))
            return _('the template uses "%(name)s", which is not allowed') % {"name": found[1] if found else "?"}
        case TypeError():
            return _("the template combines values that do not fit together, such as a text and a number")
    return _("the template cannot be filled in here (%(kind)s)") % {"kind": type(error).__name__}


def _syntax_fault(why: str) -> str:
    """Return the fault that Jinja's parser found, in words for the user."""
    if found := re.match(r"No (?:filter|test) named '(.+?)'", why):
        return _("there is no filter called %(name)s") % {"name": found[1]}
    if found := re.search(r"innermost block that needs to be closed is '(\w+)'", why):
        return _("%(opened)s is opened in this template, and never closed by %(closed)s") % {
            "opened": f"{{% {found[1]} %}}",
            "closed": f"{{% end{found[1]} %}}",
        }
    if "unknown tag" in why and (found := re.search(r"'(\w+)'", why)):
        return _("%(tag)s cannot be used here") % {"tag": f"{{% {found[1]} %}}"}
    if found := re.search(r"(?:got|unexpected|unexpected char) '([^\w\s]+)'", why):
        return _('"%(sign)s" was not expected here') % {"sign": found[1]}
    return _("the template has a syntax error from here on: check the text between the braces")


def _shown(name: str) -> str:
    return name if ":" in name or "/" in name else f"templates/{name}"


_TEMPLATE_FILE = re.compile(r"([^/\\]+\.(?:md|html|txt|css))$")


def _place_of(error: Exception, file: str) -> str:
    """Return the place of an error in a template.

    Jinja puts the template's lines into the traceback.
    """
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        found = _TEMPLATE_FILE.search(frame.filename)
        if found:
            return f"templates/{found[1]}:{frame.lineno}"
    return _shown(file)


_BLOCK = 0xE300  # a block in the Markdown: one private use character, by the block's number
_BLOCK_SIGNS = re.compile("[\ue300-\ue3ff]")


@dataclass(frozen=True, slots=True)
class Block:
    """A shared block as HTML and as unwrapped lines of plain text."""

    html: str
    text: str


@dataclass(frozen=True, slots=True)
class Rendering:
    """The text of a template for one member.

    It still contains merge marks or quoted values. Two members whose renderings are equal share a letter. ``entry``:
    the form of its calendar entry, or None for no entry.
    """

    subject: str
    preheader: str
    markdown: str
    footer: str
    calendar: str
    blocks: tuple[Block, ...]
    entry: EntryForm | None = None

    @property
    def sources(self) -> tuple[str, ...]:
        """Return all of its texts as one sequence."""
        forms = (form for block in self.blocks for form in (block.html, block.text))
        return (self.subject, self.preheader, self.markdown, self.footer, self.calendar, *forms)


class _Blocks:
    """The blocks that a body calls for, each with a sign in the Markdown."""

    def __init__(self, html: Mapping[str, Any], text: Mapping[str, Any]) -> None:
        self._html = html
        self._text = text
        self.called: list[Block] = []

    def caller(self, name: str) -> Callable[..., Markup]:
        def call(*args: Any, **named: Any) -> Markup:
            html = str(self._html[name](*args, **named)).strip()
            if not html:
                return Markup("")
            text = plain(str(self._text[name](*args, **named))).strip("\n")
            self.called.append(Block(html, text))
            return Markup(chr(_BLOCK + len(self.called) - 1))

        return call

    def callers(self) -> dict[str, Callable[..., Markup]]:
        return {name: self.caller(name) for name in self._html if name in self._text}


@dataclass(frozen=True, slots=True)
class Renderer:
    """A mailing's templates, ready to be rendered for each member.

    ``subject`` is the mailing's own subject line, or None for the template's. ``copied`` is the subject line of the
    mail of which this is a copy; the template knows it as ``mail_subject``.
    """

    templates: Templates
    mail: MailTemplate
    signature: Template
    footer: Template
    calendar: Template
    subject: Template | None
    names: Mapping[str, Any]
    copied: Template | None = None

    def render(self, personal: Mapping[str, Any], entry: EntryForm | None = None) -> Rendering:
        """Return the mail for the member with these names.

        :raises UserError: if a template has a fault, with its file and line.
        """
        names = {**self.names, **personal, "entry": entry is not None}
        names.update(self._macros(self.templates.text, "phrases.md", names))
        if self.copied is not None:
            names["mail_subject"] = Markup(self._line(self.copied, names))
        blocks = _Blocks(
            self._macros(self.templates.html, "blocks.html", names),
            self._macros(self.templates.text, "blocks.txt", names),
        )
        footer = rendered(self.footer, "footer.md", names)
        names.update(blocks.callers())
        body = rendered(self.mail.body, self.mail.name, names)
        signature = rendered(self.signature, "signature.md", names)
        markdown = f"{body.strip()}\n\n{signature.strip()}\n"
        self._check_blocks(markdown)
        return Rendering(
            subject=self._line(self.subject or self.mail.subject, names),
            preheader=self._line(self.mail.preheader, names),
            markdown=markdown,
            footer=footer.strip(),
            calendar=description(self.calendar, names),
            blocks=tuple(blocks.called),
            entry=entry,
        )

    def _macros(self, environment: TemplateEnvironment, file: str, names: Mapping[str, Any]) -> dict[str, Any]:
        return self.templates.macros(environment, file, names)

    def _line(self, template: Template, names: Mapping[str, Any]) -> str:
        return " ".join(plain(rendered(template, self.mail.name, names)).split())

    def _check_blocks(self, markdown: str) -> None:
        for line in markdown.splitlines():
            if _BLOCK_SIGNS.search(line) and len(line.strip()) > 1:
                raise user_error(
                    f"templates/{self.mail.name}",
                    _('a block such as facts() shares its line with other text: "%(line)s"'),
                    _("put the block on a line of its own, with an empty line before and after it"),
                    line=_BLOCK_SIGNS.sub("…", line.strip()),
                )


def with_blocks(html: str, text: str, blocks: tuple[Block, ...]) -> tuple[str, str]:
    """Return HTML and plain text with each block in its place."""
    for number, block in enumerate(blocks):
        sign = chr(_BLOCK + number)
        html = html.replace(f"<p>{sign}</p>", block.html)
        text = text.replace(sign, block.text)
    return html, text
