"""Slips in what stands behind a key, and the same value as YAML wants it.

Each function looks at one value on one line, as it was typed, and says what is wrong with it in one sentence.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from mkwmail.language import _


@dataclass(frozen=True, slots=True)
class Mended:
    """A value as it should stand there. ``fault`` is empty where nothing needs saying."""

    value: str
    fault: str = ""


STRAIGHT = re.compile(r'"(?:[^"\\]|\\.)*"' + r"|'(?:[^']|'')*'")
_COMMENT = re.compile(r"(?:^|\s)#")
_BEHIND = re.compile(r"\s*$|\s+#")
# `#2` is text; `# a remark` is a comment, and so is anything behind a date, a number, yes or no.
_LOST = re.compile(r"\s#(?=[^\s#])")
_BARE = re.compile(r"[\d\s.:,/-]*|true|false|ja|nee|yes|no|null", re.IGNORECASE)
_OPENING, _CLOSING = "“”„‟«‘’‚‛‹", "“”»‘’›"
_SINGLE = "‘’‚‛‹›"
_CURLY = re.compile('[“”„‟«][^“”„‟«»"]*[“”»"]')
_BAD_ESCAPE = re.compile(
    r'\\(?![0abtnvfre "/\\N_LP\t]|x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U0010[0-9A-Fa-f]{4}|U000[0-9A-Fa-f]{5})'
)


def quoted(text: str) -> str:
    """The text between straight quotes, as YAML reads it back."""
    if '"' in text or "\\" in text:
        return "'" + text.replace("'", "''") + "'"
    return f'"{text}"'


def without_comment(value: str) -> tuple[str, str]:
    """A value that is not quoted, and the comment behind it with the space before."""
    found = _COMMENT.search(value)
    if found is None:
        return value.rstrip(), ""
    kept = value[: found.start()].rstrip()
    return kept, value[len(kept) :]


def mended_value(value: str) -> Mended:
    """The value of a key or list item on one line, quotes and brackets closed on that line."""
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
    """A value without quotes: all of it must be read as its text."""
    lost = _LOST.search(value)
    if lost is not None and not _BARE.fullmatch(value[: lost.start()]):
        return Mended(
            quoted(value.rstrip()),
            _("the text from the # on would be lost, for YAML takes it for a comment; put quotes around the whole"),
        )
    text, comment = without_comment(value)
    if text[:1] in ("@", "`", "%", "&", "*", "!", "|", ">", ",", "]", "}") and text:
        fault = _("a text cannot begin with %(sign)s without quotes: YAML has another use for it")
        return Mended(quoted(text) + comment, fault % {"sign": text[0]})
    if text.startswith(("- ", "? ")):
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
    # Two quoted words, “a” and “b”: then the quotes are the writer's own.
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
        fault = _("text goes on behind the closing quote; put quotes around the whole")
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
    inside, rest = value[1 : end - 1], value[end:]
    if not _BEHIND.match(rest):
        text, comment = without_comment(value)
        fault = _("a text cannot begin with %(sign)s without quotes: YAML has another use for it")
        return Mended(quoted(text) + comment, fault % {"sign": value[0]})
    # A comma keeps its meaning between values; every part keeps the white space it was typed with.
    parts = _parts(inside)
    joined, faults = (_mended_pairs if value[0] == "{" else _mended_list)(parts)
    return Mended(value[0] + joined + value[end - 1] + rest, faults[0] if faults else "")


def flow_end(value: str) -> int | None:
    """Where the bracket at the beginning is closed; None where it is not.

    Brackets count in plain text as well, so that ``{url: https://x/{code}}`` ends where its writer thinks.
    """
    depth, index = 0, 0
    while index < len(value):
        character = value[index]
        if character in "\"'" and value[:index].rstrip()[-1:] in ("{", "[", ",", ":"):
            found = STRAIGHT.match(value, index)
            if found is not None:
                index = found.end()
                continue
        depth += (character in "{[") - (character in "}]")
        index += 1
        if depth == 0:
            return index
    return None


def _parts(inside: str) -> list[str]:
    parts, start, depth, index = [], 0, 0, 0
    while index < len(inside):
        character = inside[index]
        if character in "\"'" and inside[start:index].rstrip()[-1:] in ("", ":", "{", "["):
            found = STRAIGHT.match(inside, index)
            if found is not None:
                index = found.end()
                continue
        if character in _OPENING and inside[start:index].rstrip()[-1:] in ("", ":"):
            found = _CURLY.match(inside, index)
            if found is not None:
                index = found.end()
                continue
        depth += (character in "{[") - (character in "}]")
        if character == "," and depth == 0:
            parts.append(inside[start:index])
            start = index + 1
        index += 1
    return [*parts, inside[start:]]


def _mended_pairs(parts: list[str]) -> tuple[str, list[str]]:
    """The ``key: value`` parts of a mapping; a part without a key belongs to the text before its comma."""
    faults: list[str] = []
    pairs: list[str] = []
    for part in parts:
        if (
            pairs
            and part.strip()
            and not re.search(r"[^\s]\s*:(?:\s|$)", part)
            and not part.lstrip().startswith(("{", "["))
        ):
            pairs[-1] = _with_tail(pairs[-1], part)
            faults.append(_("a comma between braces begins a new key; put quotes around a text with a comma"))
        else:
            pairs.append(part)
    return ",".join(_each(pairs, _mended_pair, faults)), faults


def _with_tail(pair: str, tail: str) -> str:
    found = re.match(r"(\s*[^:]+:\s+)(.*?)\s*$", pair)
    if found is None:
        return pair
    head, text = found.groups()
    inner = STRAIGHT.fullmatch(text) or _CURLY.fullmatch(text)
    return head + quoted((text[1:-1] if inner else text) + "," + tail.rstrip())


def _mended_list(parts: list[str]) -> tuple[str, list[str]]:
    faults: list[str] = []
    return ",".join(_each(parts, _mended_item, faults)), faults


def _each(parts: list[str], mend: Callable[[str], Mended], faults: list[str]) -> list[str]:
    mended = [mend(part) for part in parts]
    faults.extend(item.fault for item in mended if item.fault)
    return [item.value for item in mended]


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
        # PyYAML ends such a text at a question mark, which YAML 1.2 §7.3.3 does not: nobody's slip.
        plain = Mended(quoted(text))
    return Mended(lead + plain.value + trail, plain.fault)
