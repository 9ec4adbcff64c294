"""Rendering: one member's mail as text that its template says, before Markdown and MIME."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from jinja2 import Template
from markupsafe import Markup

from mkwmail.errors import Fault, UserError
from mkwmail.language import _
from mkwmail.letters.sandbox import TemplateEnvironment
from mkwmail.letters.templates import MailTemplate, Templates, plain, rendered

_BLOCK = 0xE300  # a block's place in the Markdown: one private use character, by its number
_BLOCK_SIGNS = re.compile("[\ue300-\ue3ff]")


@dataclass(frozen=True, slots=True)
class Block:
    """A shared block in its two forms: HTML, and unwrapped lines of plain text."""

    html: str
    text: str


@dataclass(frozen=True, slots=True)
class Rendering:
    """What a template said for one member: still with merge marks or quoted values in it.

    Two members whose renderings are equal share a letter.
    """

    subject: str
    preheader: str
    markdown: str
    calendar: str
    blocks: tuple[Block, ...]

    @property
    def sources(self) -> tuple[str, ...]:
        """Everything that it says, as one sequence."""
        forms = (form for block in self.blocks for form in (block.html, block.text))
        return (self.subject, self.preheader, self.markdown, self.calendar, *forms)


class _Blocks:
    """Collects the blocks that a body calls for, and leaves a sign for each in the Markdown."""

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

    ``subject`` is the mailing's own subject line, or None for the template's.
    """

    templates: Templates
    mail: MailTemplate
    signature: Template
    calendar: Template
    subject: Template | None
    names: Mapping[str, Any]

    def render(self, personal: Mapping[str, Any]) -> Rendering:
        """The mail for the member whose names these are.

        :raises UserError: where a template is at fault, with file and line.
        """
        names = {**self.names, **personal}
        names.update(self._macros(self.templates.text, "phrases.md", names))
        blocks = _Blocks(
            self._macros(self.templates.html, "blocks.html", names),
            self._macros(self.templates.text, "blocks.txt", names),
        )
        names.update(blocks.callers())
        body = rendered(self.mail.body, self.mail.name, names)
        signature = rendered(self.signature, "signature.md", names)
        markdown = f"{body.strip()}\n\n{signature.strip()}\n"
        self._check_blocks(markdown)
        return Rendering(
            subject=self._line(self.subject or self.mail.subject, names),
            preheader=self._line(self.mail.preheader, names),
            markdown=markdown,
            calendar=plain(rendered(self.calendar, "calendar.txt", names)).strip(),
            blocks=tuple(blocks.called),
        )

    def _macros(self, environment: TemplateEnvironment, file: str, names: Mapping[str, Any]) -> dict[str, Any]:
        return self.templates.macros(environment, file, names)

    def _line(self, template: Template, names: Mapping[str, Any]) -> str:
        return " ".join(plain(rendered(template, self.mail.name, names)).split())

    def _check_blocks(self, markdown: str) -> None:
        for line in markdown.splitlines():
            if _BLOCK_SIGNS.search(line) and len(line.strip()) > 1:
                raise UserError(
                    Fault(
                        f"templates/{self.mail.name}",
                        _('a block such as facts() shares its line with other text: "%(line)s"')
                        % {"line": _BLOCK_SIGNS.sub("…", line.strip())},
                        _("put the block on a line of its own, with an empty line before and after it"),
                    )
                )


def with_blocks(html: str, text: str, blocks: tuple[Block, ...]) -> tuple[str, str]:
    """HTML and plain text with each block in its place."""
    for number, block in enumerate(blocks):
        sign = chr(_BLOCK + number)
        html = html.replace(f"<p>{sign}</p>", block.html)
        text = text.replace(sign, block.text)
    return html, text
