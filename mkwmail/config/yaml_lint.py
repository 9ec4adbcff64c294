"""Slips in YAML that people write in Notepad.

Each is named in one plain sentence, with the repaired line. YAML stops at the first error, and it reads some slips as
something else. Therefore the lines are first searched for known slips: each is named and repaired in memory, so that
YAML can continue to the others.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from mkwmail.i18n import _


@dataclass(frozen=True, slots=True)
class Mended:
    """Value with its slips repaired.

    ``fault`` is empty if there is nothing to report.
    """

    value: str
    fault: str = ""


STRAIGHT = re.compile(r'"(?:[^"\\]|\\.)*"' + r"|'(?:[^']|'')*'")
_COMMENT = re.compile(r"(?:^|\s)#")
_BEHIND = re.compile(r"\s*$|\s+#")
# `#2` is text; `# a remark` is a comment, and so is any # after a date, a number, yes or no.
_LOST = re.compile(r"\s#(?=[^\s#])")
_BARE = re.compile(r"[\d\s.:,/-]*|true|false|ja|nee|yes|no|null", re.IGNORECASE)
_OPENING, _CLOSING = "“”„‟«‘’‚‛‹", "“”»‘’›"
_SINGLE = "‘’‚‛‹›"
_QUOTES = f"\"'{_OPENING}"
_CURLY = re.compile('[“”„‟«][^“”„‟«»"]*[“”»"]')
_BAD_ESCAPE = re.compile(
    r'\\(?![0abtnvfre "/\\N_LP\t]|x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U0010[0-9A-Fa-f]{4}|U000[0-9A-Fa-f]{5})'
)


def quoted(text: str) -> str:
    """Return the text between straight quotes, as YAML reads it back."""
    if '"' in text or "\\" in text:
        return "'" + text.replace("'", "''") + "'"
    return f'"{text}"'


def without_comment(value: str) -> tuple[str, str]:
    """Return an unquoted value, and the comment after it.

    The comment begins with the white space before the #.
    """
    found = _COMMENT.search(value)
    if found is None:
        return value.rstrip(), ""
    kept = value[: found.start()].rstrip()
    return kept, value[len(kept) :]


def mended_value(value: str) -> Mended:
    """Return the repaired value of a key or list item.

    The value is on one line, with quotes and brackets closed on that line.
    """
    first = value[:1]
    if first in _OPENING and first:
        curly = _mended_curly(value)
        if curly is not None:
            return curly
    if first in "\"'" and first:
        return _mended_quoted(value)
    if first in "{[" and first:
        return _mended_flow(value)
    return mended_plain(value)


def mended_plain(value: str) -> Mended:
    """Return a repaired value without quotes.

    All of the value must be read as its text.
    """
    lost = _LOST.search(value)
    if lost is not None and not _BARE.fullmatch(value[: lost.start()]):
        return Mended(
            quoted(value.rstrip()),
            _("the text from the # on would be lost, because YAML reads it as a comment; put quotes around the whole"),
        )
    text, comment = without_comment(value)
    if text.startswith((*"@`%&*!|>,]}", "- ", "? ")):
        fault = _("a text cannot begin with %(sign)s without quotes: YAML has another use for it")
        return Mended(quoted(text) + comment, fault % {"sign": text[0]})
    if re.search(r":(?=\s|$)", text):
        return Mended(
            quoted(text) + comment,
            _("a colon inside a text makes YAML read another key there; put quotes around the text"),
        )
    return Mended(text + comment)


def _mended_curly(value: str) -> Mended | None:
    text, comment = without_comment(value)
    if len(text) < 2 or text[-1] not in _CLOSING + "\"'":
        return None
    inside = text[1:-1]
    if (text[0] in _SINGLE) != (text[-1] in _SINGLE + "'"):
        return None
    same = _SINGLE if text[0] in _SINGLE else '“”„‟«»"'
    # In two quoted words, “a” and “b”, the quotes are part of the text.
    if any(sign in inside for sign in same.replace("’", "")):
        return None
    fault = _("curly quotes are no quotes to YAML and would be mailed along; use straight ones")
    return Mended(quoted(inside) + comment, fault)


def _mended_quoted(value: str) -> Mended:
    found = STRAIGHT.match(value)
    if found is None:
        return _mended_unclosed(value)
    if found.group()[0] == '"' and _BAD_ESCAPE.search(found.group()):
        fault = _("between double quotes a backslash means something else to YAML; use single quotes")
        return Mended("'" + found.group()[1:-1].replace("'", "''") + "'" + value[found.end() :], fault)
    rest = value[found.end() :]
    if not _BEHIND.match(rest):
        text, comment = without_comment(value)
        fault = _("text continues after the closing quote; put quotes around the whole")
        return Mended(quoted(text) + comment, fault)
    return Mended(value)


def _mended_unclosed(value: str) -> Mended:
    text, comment = without_comment(value)
    body = text[1:]
    if text[0] == "'" and re.match(r"[a-zA-Z]{1,2}(?:[\s-]|$)", body):  # 's-Hertogenbosch, 't Hart
        fault = _("an apostrophe at the beginning opens a quotation to YAML; put double quotes around the text")
        return Mended(quoted(text) + comment, fault)
    if body and body[-1] in _CLOSING:
        body = body[:-1]
    return Mended(quoted(body) + comment, _("the quote that opens here is not closed"))


def _mended_flow(value: str) -> Mended:
    end = flow_end(value)
    if end is None:
        text, comment = without_comment(value)
        closing = "}" if text[0] == "{" else "]"
        return Mended(text.rstrip(",") + closing + comment, _("the bracket that opens here is not closed"))
    if not _BEHIND.match(value[end:]):
        text, comment = without_comment(value)
        fault = _("a text cannot begin with %(sign)s without quotes: YAML has another use for it")
        return Mended(quoted(text) + comment, fault % {"sign": value[0]})
    parts = _parts(value, end)
    faults: list[str] = []
    if value[0] == "{":
        parts = _with_their_commas(parts, faults)
    mended = [(_mended_pair if value[0] == "{" else _mended_item)(part) for part in parts]
    faults += [each.fault for each in mended if each.fault]
    return Mended(value[0] + ",".join(each.value for each in mended) + value[end - 1 :], faults[0] if faults else "")


def _signs(value: str) -> Iterator[tuple[int, str, int]]:
    """Yield the brackets and commas outside quotations: index, sign, depth.

    ``depth``: how many brackets are open after the sign. Brackets in plain text count too, so that
    ``{url: https://x/{code}}`` ends at the bracket that its writer means.
    """
    depth, index = 0, 0
    while index < len(value):
        sign = value[index]
        if sign in _QUOTES and value[:index].rstrip()[-1:] in ("{", "[", ",", ":"):
            quotation = STRAIGHT.match(value, index) or _CURLY.match(value, index)
            if quotation is not None:
                index = quotation.end()
                continue
        if sign in "{}[],":
            depth += (sign in "{[") - (sign in "}]")
            yield index, sign, depth
        index += 1


def flow_end(value: str) -> int | None:
    """Return the index after the bracket that closes the first one.

    None if it is not closed.
    """
    return next((index + 1 for index, _sign, depth in _signs(value) if depth == 0), None)


def _parts(value: str, end: int) -> list[str]:
    """Return the parts between the brackets, with their white space."""
    commas = [index for index, sign, depth in _signs(value[:end]) if sign == "," and depth == 1]
    return [value[before + 1 : after] for before, after in pairwise((0, *commas, end - 1))]


def _with_their_commas(parts: list[str], faults: list[str]) -> list[str]:
    """Return the ``key: value`` pairs of a mapping.

    A part without a key belongs to the text before its comma; this is a fault.
    """
    pairs: list[str] = []
    for part in parts:
        if not pairs or not part.strip() or part.lstrip()[0] in "{[" or re.search(r"[^\s]\s*:(?:\s|$)", part):
            pairs.append(part)
        else:
            pairs[-1] = _with_tail(pairs[-1], part)
            faults.append(_("a comma between braces begins a new key; put quotes around a text with a comma"))
    return pairs


def _with_tail(pair: str, tail: str) -> str:
    found = re.match(r"(\s*[^:]+:\s+)(.*?)\s*$", pair)
    if found is None:
        return pair
    head, text = found.groups()
    inner = STRAIGHT.fullmatch(text) or _CURLY.fullmatch(text)
    return head + quoted((text[1:-1] if inner else text) + "," + tail.rstrip())


def _mended_pair(part: str) -> Mended:
    found = re.match(r"(\s*[^\s:\"'{\[][^:]*?\s*:\s+)(\S.*?)(\s*)$", part)
    if found is None:
        return Mended(part)
    item = _mended_item(found.group(2))
    return Mended(found.group(1) + item.value + found.group(3), item.fault)


def _mended_item(part: str) -> Mended:
    lead = part[: len(part) - len(part.lstrip())]
    text, trail = part.strip(), part[len(part.rstrip()) :] if part.strip() else ""
    if not text or STRAIGHT.fullmatch(text) or text[0] in "{[":
        return Mended(part)
    if text[0] in "\"'":
        straight = _mended_quoted(text)
        return Mended(lead + straight.value + trail, straight.fault)
    if text[0] in _OPENING:
        curly = _mended_curly(text)
        if curly is not None:
            return Mended(lead + curly.value + trail, curly.fault)
    plain = mended_plain(text)
    if not plain.fault and _COMMENT.search(text):
        plain = Mended(quoted(text), _("the # hides the rest of the line from YAML; put quotes around the text"))
    if not plain.fault and re.search(r"[{}\[\]]", text):
        plain = Mended(quoted(text), _("put quotes around a text with brackets in it"))
    if not plain.fault and "?" in text:
        # PyYAML ends such a text at a question mark, but YAML 1.2 §7.3.3 does not, so it is not a slip of the writer.
        plain = Mended(quoted(text))
    return Mended(lead + plain.value + trail, plain.fault)


@dataclass(frozen=True, slots=True)
class Slip:
    """Slip on a line, with the whole line repaired.

    Lines and columns count from 1. ``group``: slips of the same group on consecutive lines are reported once.
    """

    line: int
    column: int
    fault: str
    repaired: str
    group: str = ""
    last_line: int = 0


# Spaces of other widths or of no width, which look like a space or like nothing (Unicode Zs; U+200B, U+2060).
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
_ITS_TIME = re.compile(r"\d{1,2}(?:[.:u]\d{2}|\s*uur\b)\S*\s+\S")
_SECRET = re.compile(r"\b(?:smtp_)?(?:pass(?:wor[dt]|wd)?|wachtwoord|secret|token)[\"']?\s*[:=]\s*\S", re.IGNORECASE)
#: A key whose value, on its line or the next one, may be a password.
NAMES_SECRET = re.compile(r"(?:pass|wachtwoord|secret|geheim|token)[\w-]*[\"']?\s*(?:[:=]|$)", re.IGNORECASE)


@dataclass(slots=True)
class _Block:
    """Text below ``|``.

    ``parent``: the key's column; ``key``: its name; ``indent``: the indentation of the text, -1 while unknown.
    """

    parent: int
    key: str
    indent: int = -1


@dataclass(slots=True)
class _Plain:
    """Text without quotes after a key.

    It continues on the lines below that have more indentation.
    """

    column: int
    key: str
    line: int


class _Walk:
    """Walk over the lines of a file.

    Its state is the construct that the previous lines leave open.
    """

    def __init__(self, text: str) -> None:
        self.lines = text.split("\n")
        self.mended: list[str] = []
        self.slips: list[Slip] = []
        self.block: _Block | None = None
        self.plain: _Plain | None = None
        self.open_until = -1  # the last line of a quotation or bracket that continues below
        self.unit = _unit(self.lines)
        self.begun = False

    def run(self) -> None:
        for index, line in enumerate(self.lines):
            if index <= self.open_until:
                self.mended.append(line)
                continue
            self.mended.append(self._line(index, line))

    def say(self, index: int, column: int, fault: str, repaired: str, group: str = "") -> None:
        # A repaired line is printed, so it must not contain a password.
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
        """Return the line with only spaces before its content."""
        lead = _LEAD.match(line)
        white = lead.group() if lead else ""
        if not white.strip(" "):
            return line
        tabs = white.count("\t")
        spaces = " " * (tabs * self.unit + len(white) - tabs)
        repaired = spaces + line[len(white) :]
        fault, group = _indented_with(white)
        self.say(index, 1, fault % {"count": len(spaces)}, repaired, group)
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
            fault = _("there is a non-breaking space after the hyphen; type an ordinary one")
            self.say(index, indent + 1, fault, repaired)
        return repaired

    def _pair(self, index: int, line: str, start: int, found: re.Match[str]) -> str:
        """Return a line ``key: value``, repaired. ``start``: the index at which the key begins."""
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
            fault = _("there is a non-breaking space next to the key, as in Word and web pages; type an ordinary one")
            self.say(index, start + 1, fault, repaired)
            line = repaired
        elif "\t" in between:
            line = line[: start + found.end()] + between.replace("\t", " ") + value
        if not value or value.startswith("#"):
            return line
        return self._value(index, line, len(line) - len(value), start, name)

    def _value(self, index: int, line: str, at: int, column: int, key: str) -> str:
        """Return the line with its value repaired.

        ``at``: the index at which the value begins; ``column``: the one at which its key begins.
        """
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
        """Return whether a quotation or bracket is closed on a line below. It must be closed before the next key."""
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
        """Return a line that belongs to the text of the line above."""
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
        fault = _(
            "a text over several lines with such signs in it begins with | on line %(line)d and continues below it"
        )
        self.say(index, len(line) - len(content) + 1, fault % {"line": plain.line + 1}, head)
        return re.sub(r"[#:]", ".", line)

    def _without_key(self, index: int, line: str, start: int) -> str:
        content = line[start:]
        equals = _EQUALS.match(content)
        first, _space, others = content.partition(" ")
        if equals is not None:
            repaired = f"{line[:start]}{equals.group(1)}: {equals.group(2)}"
            self.say(index, start + 1, _("put a colon and a space between key and value"), repaired)
            return repaired
        if _ITS_TIME.match(content):  # a line of the programme, without its hyphen
            repaired = f"{line[:start]}- {content}"
            self.say(index, start + 1, _("a line of a list begins with a hyphen"), repaired)
            return repaired
        worded = others and re.fullmatch(r"[a-z][a-z_-]*", first)
        repaired = f"{line[:start]}{first}: {others}" if worded else ""
        fault = _("this line has no key: it is not a “key: value”, and no text above continues here")
        self.say(index, start + 1, fault, repaired)
        return ""

    def _block_line(self, index: int, line: str, block: _Block) -> str | None:
        """Return the line as part of the text below ``|``, repaired. None if it is not part of that text."""
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
        # After the text: the next key, item or comment.
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
        fault, group = _indented_with(strange)
        self.say(index, 1, fault % {"count": block.indent}, repaired, group)
        return repaired


def _indented_with(white: str) -> tuple[str, str]:
    """Return the fault of an indentation, and its group."""
    if "\t" in white:
        return _("this line is indented with a tab; YAML takes spaces only, here %(count)d"), "tab"
    if white.strip(" "):
        fault = _(
            "this line is indented with non-breaking spaces, as Word and web pages have them; type %(count)d spaces"
        )
        return fault, "space"
    return _("this line belongs to the text above and must begin with %(count)d spaces"), "text"


def _start(line: str, indent: int) -> int:
    dashes = _DASHES.match(line, indent)
    return indent if dashes is None else dashes.end()


def _unit(lines: list[str]) -> int:
    """Return the number of spaces by which this file indents."""
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
    """Repair the known slips in a text.

    Return the text, line for line, and the slips in the order of the lines.
    """
    walk = _Walk(text)
    walk.run()
    return "\n".join(walk.mended), _merged(walk.slips, walk.lines)
