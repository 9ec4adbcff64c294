"""Markdown (CommonMark) as HTML and as plain text, from the same tokens.

Plain text has unwrapped lines; a hang sign (:func:`mkwmail.mail.merge.hang_at`) in a line gives the indent of the
lines that wrap from it. Raw HTML is off: text that looks like HTML stays text.
"""

import re
from collections.abc import Sequence
from urllib.parse import unquote as percent_decode

from markdown_it import MarkdownIt
from markdown_it.common.normalize_url import normalizeLink
from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from mkwmail.mail.merge import URL_END, URL_START, hang_at

# Quoted characters (see merge) as the normalisation of a URL percent-encodes them.
_ENCODED_PRIVATE_USE = re.compile(r"(?:%EE%8[0145]%[89AB][0-9A-F])+")


def _image(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, environment: EnvType
) -> str:
    """Render an image in a text as a link.

    A mail that fetches a picture reveals who opened it, and when. An image that is in the message itself (RFC 2392)
    stays an image.
    """
    token = tokens[index]
    address = str(token.attrGet("src") or "")
    if address.startswith("cid:"):
        return renderer.image(tokens, index, options, environment)
    words = renderer.renderInlineAsText(token.children or [], options, environment)
    return f'<a href="{escapeHtml(address)}">{escapeHtml(words or address)}</a>'


class _Parser(MarkdownIt):
    """A CommonMark parser without raw HTML.

    Its links keep quoted characters for :mod:`mkwmail.mail.merge`.
    """

    def __init__(self) -> None:
        super().__init__("commonmark", {"html": False})
        self.add_render_rule("image", _image)

    def normalizeLink(self, url: str) -> str:  # noqa: N802 -- markdown-it's own name
        """Return a link's address, percent-encoded by Markdown's rules."""
        return _ENCODED_PRIVATE_USE.sub(lambda run: percent_decode(run[0]), normalizeLink(url))


_PARSER = _Parser()


def html_of(source: str) -> str:
    """Return Markdown as HTML."""
    return str(_PARSER.render(source))


def text_of(source: str) -> str:
    """Return Markdown as plain text, in unwrapped lines."""
    return "\n".join(_Writer().write(_PARSER.parse(source)))


def parsed(source: str) -> Sequence[Token]:
    """Return the tokens of Markdown."""
    return _PARSER.parse(source)


_RULE = "-" * 40
_UNDERLINE = "-" * 20  # of one length: a heading with a member's name has another length in each mail


class _Writer:
    """A writer of a document's tokens as lines of plain text."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._indent = 0
        self._bullet = ""  # a list item's sign, which replaces white space at the start of the next line
        self._numbers: list[int | None] = []  # per open list: the next number, None for bullets
        self._tight = False
        self._heading = False

    def write(self, tokens: Sequence[Token]) -> list[str]:
        for token in tokens:
            self._block(token)
        return self._lines

    def _block(self, token: Token) -> None:
        match token.type:
            case "paragraph_open" | "heading_open" | "bullet_list_open" | "ordered_list_open":
                self._tight = token.hidden
                self._heading = token.type == "heading_open"
                if not token.hidden and not self._bullet and not (self._numbers and "list" in token.type):
                    self._blank()
                if "list" in token.type:
                    start = int(token.attrGet("start") or 1)
                    self._numbers.append(start if token.type == "ordered_list_open" else None)
            case "bullet_list_close" | "ordered_list_close":
                self._numbers.pop()
            case "list_item_open":
                self._open_item()
            case "list_item_close":
                self._indent -= 2 if self._numbers[-1] is None else 3
                self._bullet = ""
            case "blockquote_open":
                self._blank()
                self._indent += 2
            case "blockquote_close":
                self._indent -= 2
            case "inline":
                for line in inline_text(token.children or []).split("\n"):
                    self._line(line)
                if self._heading:
                    self._line(_UNDERLINE)
            case "heading_close":
                self._heading = False
            case "code_block" | "fence":
                self._blank()
                for line in token.content.rstrip("\n").split("\n"):
                    self._line(line)
            case "hr":
                self._blank()
                self._line(_RULE)
            case _:
                pass

    def _open_item(self) -> None:
        number = self._numbers[-1]
        if number is None:
            self._bullet = "- "
        else:
            self._bullet = f"{number}."[:3].ljust(3)
            self._numbers[-1] = number + 1
        self._indent += len(self._bullet)

    def _blank(self) -> None:
        if self._lines and self._lines[-1]:
            self._lines.append("")

    def _line(self, text: str) -> None:
        start = " " * (self._indent - len(self._bullet)) + self._bullet
        self._bullet = ""
        self._lines.append(f"{start}{hang_at(self._indent) if self._indent else ''}{text}")


def inline_text(tokens: Sequence[Token]) -> str:
    """Return inline tokens as text.

    Emphasis becomes its words; a link becomes its words and its address in brackets.
    """
    written: list[str] = []
    links: list[tuple[int, str]] = []
    for token in tokens:
        match token.type:
            case "text" | "code_inline" | "html_inline":
                written.append(token.content)
            case "softbreak":
                written.append(" ")
            case "hardbreak":
                written.append("\n")
            case "image":
                address = str(token.attrGet("src") or "")
                if address.startswith("cid:"):
                    written.append(f"[{token.content}]")
                else:
                    written.append(f"{token.content} ({URL_START}{address}{URL_END})")
            case "link_open":
                links.append((len(written), str(token.attrGet("href") or "")))
            case "link_close":
                start, address = links.pop()
                words = "".join(written[start:])
                if words not in (address, address.removeprefix("mailto:")):
                    written.append(f" ({URL_START}{address.removeprefix('mailto:')}{URL_END})")
            case _:
                pass
    return "".join(written)
