"""Slips of people who write YAML in Notepad: each named in one plain sentence, with the repaired line.

YAML stops at the first thing it cannot read, and some slips it reads as something else. So the lines are looked
through first, lightly: what is recognised is named and repaired in memory, so that YAML can go on to the others.
"""

import re
from dataclasses import dataclass, replace

from mkwmail.language import _
from mkwmail.sources.slip_values import STRAIGHT, flow_end, mended_plain, mended_value, without_comment


@dataclass(frozen=True, slots=True)
class Slip:
    """What is wrong on a line, and the whole line as it should be. Lines and columns count from 1.

    ``group``: slips of one group on lines that follow each other are said once.
    """

    line: int
    column: int
    fault: str
    repaired: str
    group: str = ""
    last_line: int = 0


# Spaces of other widths, or of none, that look like one or like nothing (Unicode category Zs; U+200B, U+2060).
_STRANGE = (
    "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u200b\u202f\u205f\u2060\u3000"
)
_EDGE = f" \t{_STRANGE}"
_LEAD = re.compile(f"[ \t{_STRANGE}]*")
_STRANGE_SIGN = re.compile(f"[{_STRANGE}]")
_DASHES = re.compile(f"(?:-(?:[ \t{_STRANGE}]+|$))+")
_WORD_DASH = re.compile(r"[–—•*·](?=\s)")
_TIGHT_DASH = re.compile(r"-(?=[^\s\d-])")
_KEY = re.compile(r"""("[^"]*"|'[^']*'|[“”][^“”]*[“”]|[^\s#"'{\[].*?)(\s*):(?=\s|$)""")
_TIGHT_KEY = re.compile(r"([a-z][a-z_-]*):(?!//)(?=\S)")
_PLAIN_KEY = re.compile(r"[a-z][a-z0-9_-]*:(?=\s|$)")
_BLOCK = re.compile(r"[|>](?:[+-]?[1-9]?|[1-9][+-])\s*(?:\s#.*)?$")
_EQUALS = re.compile(r"([a-z][a-z_-]*)\s*[=;]\s*(\S.*)$")
_SECRET = re.compile(r"\b(?:smtp_)?(?:pass(?:wor[dt]|wd)?|wachtwoord|secret|token)[\"']?\s*[:=]\s*\S", re.IGNORECASE)


@dataclass(slots=True)
class _Block:
    """A text below ``|``: the key's column, its name, and the text's own indentation once it is known."""

    parent: int
    key: str
    indent: int = -1


@dataclass(slots=True)
class _Plain:
    """A text behind a key without quotes, which goes on over the lines that are indented further."""

    column: int
    key: str
    line: int


class _Walk:
    """One walk over the lines of a file. Its state is what the line above leaves open."""

    def __init__(self, text: str) -> None:
        self.lines = text.split("\n")
        self.mended: list[str] = []
        self.slips: list[Slip] = []
        self.block: _Block | None = None
        self.plain: _Plain | None = None
        self.open_until = -1  # the last line of a quotation or bracket that goes on below
        self.unit = _unit(self.lines)
        self.begun = False

    def run(self) -> None:
        for index, line in enumerate(self.lines):
            if index <= self.open_until:
                self.mended.append(line)
                continue
            self.mended.append(self._line(index, line))

    def say(self, index: int, column: int, fault: str, repaired: str, group: str = "") -> None:
        # A repaired line is printed, so it must not be one with a password in it.
        shown = "" if _SECRET.search(repaired) else repaired.rstrip()
        self.slips.append(Slip(index + 1, column, fault, shown, group, index + 1))

    def _line(self, index: int, line: str) -> str:
        if not line.strip(_EDGE):
            return ""
        if self.block is not None:
            in_block = self._block_line(index, line, self.block)
            if in_block is not None:
                return in_block
            self.block = None
        stripped = line.lstrip(_EDGE)
        if stripped.startswith("#"):
            return " " * (len(line) - len(stripped)) + stripped
        if re.match(r"(?:---|\.\.\.)(?:\s|$)", line):
            return self._document_line(index, line)
        line = self._lead(index, line).rstrip(_EDGE)
        self.begun = True
        return self._content(index, line)

    def _document_line(self, index: int, line: str) -> str:
        if self.begun and any(rest.strip(_EDGE) for rest in self.lines[index + 1 :]):
            self.say(index, 1, _("a line of %(signs)s ends the file for YAML; delete it") % {"signs": line[:3]}, "")
        self.plain = None
        return ""

    def _lead(self, index: int, line: str) -> str:
        """The line with spaces only before its content."""
        lead = _LEAD.match(line)
        white = lead.group() if lead else ""
        if not white.strip(" "):
            return line
        tabs = white.count("\t")
        spaces = " " * (tabs * self.unit + len(white) - tabs)
        repaired = spaces + line[len(white) :]
        if tabs:
            fault = _("this line is indented with a tab; YAML takes spaces only, here %(count)d")
            self.say(index, 1, fault % {"count": len(spaces)}, repaired, "tab")
        else:
            fault = _(
                "this line is indented with non-breaking spaces, as Word and web pages have them; type %(count)d spaces"
            )
            self.say(index, 1, fault % {"count": len(spaces)}, repaired, "space")
        return repaired

    def _content(self, index: int, line: str) -> str:
        indent = len(line) - len(line.lstrip(" "))
        if self.plain is not None and indent > self.plain.column:
            return self._continued(index, line, self.plain)
        self.plain = None
        line = self._dashes(index, line, indent)
        start = _start(line, indent)
        content = line[start:]
        if not content or content.startswith("#"):
            return line
        tight = _TIGHT_KEY.match(content)
        if tight is not None:
            line = f"{line[:start]}{tight.group()} {content[tight.end() :]}"
            self.say(index, start + tight.end(), _("a space must follow the colon"), line)
            content = line[start:]
        key = _KEY.match(content)
        if key is not None and re.search(r"\s#", key.group(1)):
            key = None
        if key is not None:
            return self._pair(index, line, start, key)
        if content[0] in "{[":
            return self._value(index, line, start, start, "")
        if start > indent:
            self.plain = _Plain(indent, "", index)
            return self._value(index, line, start, indent, "")
        return self._without_key(index, line, start)

    def _dashes(self, index: int, line: str, indent: int) -> str:
        found = _WORD_DASH.match(line, indent) or _TIGHT_DASH.match(line, indent)
        if found is not None:
            line = f"{line[:indent]}- {line[found.end() :].lstrip(_EDGE)}"
            self.say(index, indent + 1, _("an item of a list begins with a hyphen and a space"), line)
        dashes = _DASHES.match(line, indent)
        if dashes is None:
            return line
        clean = re.sub(f"[\t{_STRANGE}]", " ", dashes.group())
        repaired = line[:indent] + clean + line[dashes.end() :]
        if _STRANGE_SIGN.search(dashes.group()):
            fault = _("a non-breaking space stands behind the hyphen; type an ordinary one")
            self.say(index, indent + 1, fault, repaired)
        return repaired

    def _pair(self, index: int, line: str, start: int, found: re.Match[str]) -> str:
        """A line ``key: value``; ``start``: where the key begins."""
        written, gap = found.group(1), found.group(2)
        name = written.strip(_EDGE)
        rest = line[start + found.end() :]
        value = rest.lstrip(_EDGE)
        between = rest[: len(rest) - len(value)]
        if name[0] in "“”":
            name = name[1:-1]
            repaired = f"{line[:start]}{name}:{' ' if value else ''}{value}"
            self.say(index, start + 1, _("curly quotes around a key; write it without quotes"), repaired)
            line = repaired
        elif _STRANGE_SIGN.search(written + gap + between):
            plain_name = re.sub(f"[{_STRANGE}]+", " ", name).strip()
            repaired = f"{line[:start]}{plain_name}:{' ' if value else ''}{value}"
            fault = _(
                "a non-breaking space stands beside the key, as Word and web pages have them; type an ordinary one"
            )
            self.say(index, start + 1, fault, repaired)
            line = repaired
        elif "\t" in between:
            line = line[: start + found.end()] + between.replace("\t", " ") + value
        if not value or value.startswith("#"):
            return line
        return self._value(index, line, len(line) - len(value), start, name)

    def _value(self, index: int, line: str, at: int, column: int, key: str) -> str:
        """The line with its value repaired; ``at``: where the value begins, ``column``: where its key does."""
        value = line[at:]
        if _BLOCK.match(value):
            self.plain = None
            self.block = _Block(column, key)
            return line
        if value[0] in "\"'{[" and self._goes_on(index, value, column):
            return line
        mended = mended_value(value)
        repaired = line[:at] + mended.value
        if mended.fault:
            self.say(index, at + 1, mended.fault, repaired)
        elif without_comment(value)[0] and not without_comment(value)[1] and value[0] not in "\"'{[":
            self.plain = _Plain(column, key, index)
        return repaired

    def _goes_on(self, index: int, value: str, column: int) -> bool:
        """Whether a quotation or bracket is closed on a line below, before the next key."""
        quote = value[0] in "\"'"
        if (STRAIGHT.match(value) if quote else flow_end(value)) is not None:
            return False
        whole = value
        for below, line in enumerate(self.lines[index + 1 : index + 200], start=index + 1):
            indent = len(line) - len(line.lstrip(" "))
            if line.strip() and indent <= column and not re.match(r"\s*[}\]]", line):
                return False
            whole += "\n" + line
            if (STRAIGHT.match(whole) if quote else flow_end(whole)) is not None:
                self.open_until = below
                return True
        return False

    def _continued(self, index: int, line: str, plain: _Plain) -> str:
        """A line that belongs to the text of the line above."""
        content = line.lstrip(" ")
        key = _PLAIN_KEY.match(content)
        if key is not None:
            repaired = " " * plain.column + content
            fault = _("this line is indented further than the line above, so it would belong to its text")
            self.say(index, len(line) - len(content) + 1, fault, repaired)
            self.plain = None
            return self._content(index, repaired)
        if content.startswith("#"):
            self.plain = None
            return line
        found = mended_plain(content)
        if not found.fault:
            return line
        head = f"{plain.key}: |" if plain.key else "- |"
        fault = _("a text over several lines with such signs in it begins with | on line %(line)d and goes on below it")
        self.say(index, len(line) - len(content) + 1, fault % {"line": plain.line + 1}, head)
        return re.sub(r"[#:]", ".", line)

    def _without_key(self, index: int, line: str, start: int) -> str:
        content = line[start:]
        equals = _EQUALS.match(content)
        first, _space, others = content.partition(" ")
        if equals is not None:
            repaired = f"{line[:start]}{equals.group(1)}: {equals.group(2)}"
            self.say(index, start + 1, _("a colon and a space stand between key and value"), repaired)
            return repaired
        worded = others and re.fullmatch(r"[a-z][a-z_-]*", first)
        repaired = f"{line[:start]}{first}: {others}" if worded else ""
        fault = _("this line has no key: it is not a “key: value”, and no text above goes on here")
        self.say(index, start + 1, fault, repaired)
        return ""

    def _block_line(self, index: int, line: str, block: _Block) -> str | None:
        """The line as part of the text below ``|``; None where it is not."""
        lead = _LEAD.match(line)
        white = lead.group() if lead else ""
        content = line[len(white) :]
        spaces = len(white) - len(white.lstrip(" "))
        if block.indent < 0 and spaces > block.parent and not white.strip(" "):
            block.indent = spaces
            return line
        if block.indent >= 0 and spaces >= block.indent:
            return line
        strange = white.strip(" ")
        # Behind the text: the next key, item or comment.
        if not strange and spaces <= block.parent:
            dash = content.startswith("- ") or content == "-"
            if _PLAIN_KEY.match(content) or content.startswith(("#", "---", "...")):
                return None
            if (dash and (spaces < block.parent or not block.key)) or (spaces < block.parent):
                return None
            if _KEY.match(content) and " " not in content.partition(":")[0]:
                return None
        if block.indent < 0:
            block.indent = block.parent + self.unit
        repaired = " " * block.indent + content
        if "\t" in strange:
            fault = _("this line is indented with a tab; YAML takes spaces only, here %(count)d")
            group = "tab"
        elif strange:
            fault = _(
                "this line is indented with non-breaking spaces, as Word and web pages have them; type %(count)d spaces"
            )
            group = "space"
        else:
            fault = _("this line belongs to the text above and must begin with %(count)d spaces")
            group = "text"
        self.say(index, 1, fault % {"count": block.indent}, repaired, group)
        return repaired


def _start(line: str, indent: int) -> int:
    dashes = _DASHES.match(line, indent)
    return indent if dashes is None else dashes.end()


def _unit(lines: list[str]) -> int:
    """How many spaces this file indents by."""
    indents = (len(line) - len(line.lstrip(" ")) for line in lines if line[:1] == " " and line.strip())
    return min((indent for indent in indents if indent), default=2)


def _merged(slips: list[Slip], lines: list[str]) -> tuple[Slip, ...]:
    merged: list[Slip] = []
    for slip in slips:
        above = merged[-1] if merged else None
        if above is not None and slip.group and above.group == slip.group:
            between = lines[above.last_line : slip.line - 1]
            if not any(line.strip(_EDGE) for line in between):
                merged[-1] = replace(above, last_line=slip.line)
                continue
        merged.append(slip)
    return tuple(merged)


def mend(text: str) -> tuple[str, tuple[Slip, ...]]:
    """The text with what is recognised repaired, line for line, and the slips in the order of the lines."""
    walk = _Walk(text)
    walk.run()
    return "\n".join(walk.mended), _merged(walk.slips, walk.lines)
