"""YAML file as texts with their line and column.

YAML's own types would make 13:00 the number 780, and NO false (YAML 1.1). Therefore everything stays text here, and
the models parse it. Anchors, aliases and tags are refused: such a file does not need them, and a few lines of aliases
can expand to gigabytes. Nodes are built without recursion, to a limited depth.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

import yaml

from mkwmail.config.yaml_lint import NAMES_SECRET, Slip, mend
from mkwmail.errors import ExitCode, Fault, UserError, fault_at, user_error
from mkwmail.files import read_bytes, text_of
from mkwmail.i18n import _

# mailings → a mailing → audience → is → a value: an event file needs six levels.
DEEPEST = 12

Loc: TypeAlias = tuple[str | int, ...]
Plain: TypeAlias = "str | list[Plain] | dict[str, Plain] | None"


@dataclass(slots=True)
class Node:
    """Part of the file.

    Lines and columns count from 1; ``end_line`` is its last line. ``content`` is a text, None (nothing is written
    there), a list or a mapping. ``block``: a text below ``|``.
    """

    line: int
    column: int
    end_line: int
    content: "str | list[Node] | dict[str, Node] | None"
    keys: dict[str, "Node"] = field(default_factory=dict)  # of a mapping: the place of each key
    block: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """File that was read; ``faults`` are the slips in it.

    ``lines`` are the lines of the file; ``mended`` are the same lines with the slips repaired, so that a line repaired
    for another fault has all its repairs.
    """

    shown: str
    lines: tuple[str, ...]
    mended: tuple[str, ...]
    root: Node
    faults: tuple[Fault, ...] = ()

    def plain(self) -> Plain:
        """Return the content for a model.

        It consists of dicts, lists, texts and None.
        """
        return _plain(self.root)

    def node(self, loc: Loc) -> Node | None:
        """Return the part at keys and numbers from the root on.

        None if the file has no such part.
        """
        node = self.root
        for step in loc:
            below = _step(node, step)
            if below is None:
                return None
            node = below
        return node

    def place(self, loc: Loc) -> str:
        """Return the place of a part: ``events/x.yaml:12:5``.

        If the part does not exist, return the place of the nearest part that would contain it.
        """
        for length in range(len(loc), 0, -1):
            node = self.node(loc[:length])
            if node is not None:
                if node.content is None:
                    return self.key_place(loc[:length])
                return self.at(node.line, node.column)
        return self.shown

    def key_place(self, loc: Loc) -> str:
        """Return the place of the key of a part."""
        above = self.node(loc[:-1]) if loc else None
        key = above.keys.get(str(loc[-1])) if above is not None else None
        return self.at(key.line, key.column) if key is not None else self.place(loc[:-1])

    def at(self, line: int, column: int) -> str:
        """Return a line and column of the file in the form that editors open."""
        return f"{self.shown}:{line}:{column}"

    def in_order(self, faults: Iterable[Fault]) -> tuple[Fault, ...]:
        """Return the faults of this file by line and column, each once and with its line."""
        return _with_lines(in_file_order(faults), self.lines)

    def line(self, number: int) -> str:
        """Return a line with the repairs so far. White space around it is removed."""
        return self.mended[number - 1].strip() if 0 < number <= len(self.mended) else ""

    def repaired(self, loc: Loc, old: str, new: str) -> str:
        """Return the first line of a part with ``old`` replaced by ``new``.

        It is the first line that has ``old``; empty if there is none.
        """
        node = self.node(loc)
        if node is None:
            return ""
        for number in range(node.line, node.end_line + 1):
            if old in self.line(number):
                return self.line(number).replace(old, new, 1)
        return ""

    def find(self, node: Node, part: str) -> tuple[str, str]:
        """Return the place and the line of a passage in a text.

        If the passage runs over several lines, return the place of the text itself and an empty line.
        """
        for number in range(node.line, min(node.end_line, len(self.lines)) + 1):
            column = self.lines[number - 1].find(part, node.column - 1 if number == node.line else 0)
            if column >= 0:
                return self.at(number, column + 1), self.line(number)
        return self.at(node.line, node.column), ""

    def texts(self) -> Iterator[tuple[Loc, Node, str]]:
        """Return every text in the file with its path, in file order."""
        waiting: list[tuple[Loc, Node]] = [((), self.root)]
        while waiting:
            loc, node = waiting.pop()
            if isinstance(node.content, str):
                yield loc, node, node.content
            elif isinstance(node.content, list):
                waiting.extend(reversed([((*loc, n), item) for n, item in enumerate(node.content)]))
            elif isinstance(node.content, dict):
                waiting.extend(reversed([((*loc, key), item) for key, item in node.content.items()]))


def _step(node: Node, step: str | int) -> Node | None:
    content = node.content
    if isinstance(content, dict):
        return content.get(str(step))
    if isinstance(content, list) and isinstance(step, int) and 0 <= step < len(content):
        return content[step]
    return None


def _plain(node: Node) -> Plain:
    # The recursion is limited to DEEPEST, because the nodes are not deeper.
    if isinstance(node.content, list):
        return [_plain(item) for item in node.content]
    if isinstance(node.content, Mapping):
        return {key: _plain(item) for key, item in node.content.items()}
    return node.content


def read_document(path: Path, shown: str, code: ExitCode = ExitCode.FAULTY_FILE) -> Document:
    """Read a file as far as possible.

    Slips that could be repaired in memory are in ``faults``.

    :raises UserError: with all faults, if the file cannot be read, or YAML cannot read it even with the repairs.
    """
    return parsed(read_bytes(path, shown, code), shown, code)


def parsed(data: bytes, shown: str, code: ExitCode = ExitCode.FAULTY_FILE) -> Document:
    """Read a file's bytes, as :func:`read_document`."""
    try:
        text = text_of(data)
    except ValueError as error:
        raise user_error(shown, str(error), code=code) from None
    lines = tuple(text.split("\n"))
    mended, slips = mend(text)
    faults = tuple(_slip_fault(shown, slip, lines[slip.line - 1]) for slip in slips)
    builder = _Builder(shown)
    try:
        root = builder.build(mended)
    except yaml.MarkedYAMLError as error:
        known = {slip.line for slip in slips}
        further = _yaml_fault(error, shown, text)
        on_known_line = error.problem_mark is not None and error.problem_mark.line + 1 in known
        found = (*faults, *(() if on_known_line else (further,)))
        raise UserError(*_with_lines(found, lines), code=code) from None
    except UserError as refused:
        raise UserError(*_with_lines((*faults, *refused.faults), lines), code=code) from None
    faults = _with_lines(in_file_order((*faults, *builder.faults)), lines)
    if not isinstance(root.content, dict):
        fault = Fault(shown, _("this file has no “key: value” lines, so there is nothing to read in it"))
        raise UserError(*(faults or (fault,)), code=code)
    return Document(shown, lines, tuple(mended.split("\n")), root, faults)


def _slip_fault(shown: str, slip: Slip, line: str) -> Fault:
    fault = slip.fault
    if slip.last_line > slip.line:
        fault = _("%(fault)s (and so on to line %(line)d)") % {"fault": fault, "line": slip.last_line}
    # If the indentation is what is wrong, it is what the remedy must show.
    repaired = slip.repaired.strip()
    remedy = slip.repaired.rstrip() if repaired == line.strip() else repaired
    return Fault(f"{shown}:{slip.line}:{slip.column}", fault, remedy)


def in_file_order(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    """Return the faults of one file by line and column, each once."""
    return tuple(sorted(dict.fromkeys(faults), key=_line_of))


def _with_lines(faults: Iterable[Fault], lines: Sequence[str]) -> tuple[Fault, ...]:
    """Return the faults, each with its line of the file if that may be shown.

    A line with a password is never shown, nor the one below its key, which may have it.
    """
    shown = []
    for fault in faults:
        number, _column = _line_of(fault)
        near = lines[max(number - 2, 0) : number]
        may_be_shown = 0 < number <= len(lines) and not any(map(NAMES_SECRET.search, near))
        shown.append(replace(fault, line=near[-1]) if may_be_shown else fault)
    return tuple(shown)


def _line_of(fault: Fault) -> tuple[int, int]:
    numbers = [int(part) for part in fault.place.split(":")[-2:] if part.isdecimal()]
    return (numbers[0], numbers[1]) if len(numbers) == 2 else (0, 0)


def _span(event: yaml.Event) -> tuple[int, int, int, int]:
    """Return first line and column, last line and the column after it.

    They count from 1; SafeLoader gives every event its marks.
    """
    start, end = event.start_mark, event.end_mark
    if start is None or end is None:
        return 1, 1, 1, 1
    return start.line + 1, start.column + 1, end.line + 1, end.column + 1


@dataclass(slots=True)
class _Open:
    """Mapping or list that is being read.

    ``key``: the key of the mapping whose value comes next.
    """

    node: Node
    key: tuple[str, Node] | None = None


class _Builder:
    """Builder of nodes from the parser's events.

    It takes them one by one, so that depth and aliases are refused before they cost memory or time.
    """

    def __init__(self, shown: str) -> None:
        self.shown = shown
        self.faults: list[Fault] = []
        self.open: list[_Open] = []
        self.root: Node | None = None

    def build(self, text: str) -> Node:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
                self._close(event)
            elif isinstance(event, yaml.NodeEvent):
                self._node(event)
            elif isinstance(event, yaml.DocumentStartEvent) and self.root is not None:
                break
        return self.root or Node(1, 1, 1, None)

    def _refuse(self, event: yaml.Event, fault: str, remedy: str = "") -> UserError:
        line, column, _end, _behind = _span(event)
        return user_error(f"{self.shown}:{line}:{column}", fault, remedy)

    def _close(self, event: yaml.Event) -> None:
        closed = self.open.pop().node
        closed.end_line = max(closed.line, _span(event)[2])

    def _node(self, event: yaml.NodeEvent) -> None:
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            fault = _("anchors (&) and aliases (*) of YAML are not used here")
            raise self._refuse(
                event, fault, _("write the value itself; put quotes around a text that begins with such a sign")
            )
        if getattr(event, "tag", None) not in (None, "!"):
            fault = _("tags (!) of YAML are not used here")
            raise self._refuse(event, fault, _("leave it out; put quotes around a text that begins with such a sign"))
        if len(self.open) >= DEEPEST:
            raise self._refuse(event, _("this is nested too deeply for such a file"))
        node = _empty_node(event)
        self._attach(event, node)
        if not isinstance(event, yaml.ScalarEvent):
            self.open.append(_Open(node))

    def _attach(self, event: yaml.NodeEvent, node: Node) -> None:
        if not self.open:
            self.root = node
            return
        above = self.open[-1]
        content = above.node.content
        if isinstance(content, list):
            content.append(node)
        elif isinstance(content, dict):
            if above.key is None:
                above.key = (self._key(event, node), node)
                return
            name, key_node = above.key
            above.key = None
            if name in content:
                self._doubled(name, key_node, above.node.keys[name])
                return
            content[name] = node
            above.node.keys[name] = key_node

    def _key(self, event: yaml.NodeEvent, node: Node) -> str:
        if isinstance(node.content, (list, dict)):
            raise self._refuse(
                event,
                _("a key cannot be a list or braces; a text that begins so needs quotes"),
                _("put quotes around the text"),
            )
        return node.content or ""

    def _doubled(self, name: str, again: Node, first: Node) -> None:
        fault = _("the key %(key)s is here a second time; the first one is on line %(line)d")
        self.faults.append(
            fault_at(
                f"{self.shown}:{again.line}:{again.column}", fault, _("keep one of the two"), key=name, line=first.line
            )
        )


def _empty_node(event: yaml.NodeEvent) -> Node:
    line, column, end_line, behind = _span(event)
    node = Node(line, column, line, None)
    if isinstance(event, yaml.ScalarEvent):
        bare = event.style is None or event.style == ""
        nothing = bare and event.value in ("", "~", "null", "Null", "NULL")
        node.content = None if nothing else event.value
        node.block = event.style in ("|", ">")
        # The end mark of a block is on the line below it.
        node.end_line = max(line, end_line - (1 if node.block and behind == 1 else 0))
    else:
        node.content = [] if isinstance(event, yaml.SequenceStartEvent) else {}
    return node


def _yaml_fault(error: yaml.MarkedYAMLError, shown: str, text: str) -> Fault:
    """Return the fault that stopped YAML, in plain words. YAML's own messages are about tokens."""
    mark = error.problem_mark or error.context_mark
    if mark is None:
        return Fault(shown, _("this is not a YAML file"))
    problem, context = error.problem or "", error.context or ""
    lines = text.split("\n")
    if "mapping values are not allowed" in problem:
        fault = _(
            "YAML does not expect a colon here: the line is indented wrongly, or a text with a colon lacks quotes"
        )
    elif "but found '<block mapping start>'" in problem or "but found '-'" in problem:
        return _indentation_fault(shown, lines, mark.line)
    elif "flow" in context:
        fault = _("a bracket that opens on line %(line)d is not closed, or a comma is missing")
        fault = fault % {"line": (error.context_mark or mark).line + 1}
    elif "quoted scalar" in context:
        fault = _("a quote that opens on line %(line)d is not closed")
        fault = fault % {"line": (error.context_mark or mark).line + 1}
    elif "could not find expected ':'" in problem:
        fault = _("a line above this one lacks its colon")
    elif "sequence entries are not allowed" in problem or "but found '?'" in problem:
        fault = _("a list item cannot be here: it begins on a line of its own, below its key")
    else:
        fault = _("YAML cannot read on from here")
    seen = lines[mark.line].strip() if mark.line < len(lines) else ""
    remedy = _("look at the indentation, quotes and brackets of this line and of the one above it") if seen else ""
    return Fault(f"{shown}:{mark.line + 1}:{mark.column + 1}", fault, remedy)


def _indentation_fault(shown: str, lines: list[str], index: int) -> Fault:
    def spaces(line: str) -> int:
        return len(line) - len(line.lstrip(" "))

    above = next((line for line in reversed(lines[:index]) if line.strip()), "")
    line = lines[index] if index < len(lines) else ""
    fault = _("this line begins with %(here)d spaces, the one above with %(above)d; they do not fit together")
    remedy = _("begin it with as many spaces as the lines that it belongs with")
    return Fault(f"{shown}:{index + 1}:1", fault % {"here": spaces(line), "above": spaces(above)}, remedy)


def with_values(document: Document, values: Mapping[Loc, str]) -> str:
    """Return the file's text with new values at these keys.

    The values are given as YAML writes them.

    :raises UserError: if a value is absent, or runs over several lines.
    """
    lines = list(document.mended)
    places = {loc: document.node(loc) for loc in values}
    # From the end on, so that the columns before a change stay the same.
    for loc, node in sorted(places.items(), key=lambda each: _behind_first(each[1])):
        text = node.content if node is not None else None
        old = _written(lines[node.line - 1][node.column - 1 :], text) if node and isinstance(text, str) else None
        if node is None or old is None:
            fault = _("%(key)s must be on one line") % {"key": ".".join(map(str, loc))}
            raise user_error(document.place(loc), fault, _("write it behind its key, on the same line"))
        line = lines[node.line - 1]
        start = node.column - 1
        lines[node.line - 1] = f"{line[:start]}{values[loc]}{line[start + len(old) :]}"
    return "\n".join(lines)


def with_key(document: Document, loc: tuple[str, ...], value: str, after: str | None = None) -> str:
    """Return the file's text with a value at a key of the file, or at a key below one of its keys.

    A key that is absent is added: as the first of its mapping, and a key of the file behind the key ``after``, or at
    the end. The other lines stay as they are. The value is given as YAML writes it.

    :raises UserError: if the present value runs over several lines.
    """
    node = document.node(loc)
    if node is not None and node.content is not None:
        return with_values(document, {loc: value})
    lines = list(document.mended)
    while lines and not lines[-1].strip():
        lines.pop()
    above = document.node(loc[:-1])
    entry = f"{loc[-1]}: {value}"
    if node is not None and above is not None:  # the key is there, without a value
        number = above.keys[loc[-1]].line - 1
        empty = re.compile(rf"{re.escape(loc[-1])}[\"']?\s*:")
        lines[number] = empty.sub(lambda found: f"{found[0]} {value}", lines[number], count=1)
    elif len(loc) == 1 or above is None:
        block = [entry] if len(loc) == 1 else [f"{loc[0]}:", f"  {entry}"]
        known = document.node((after,)) if after else None
        place = known.end_line if known is not None else len(lines)
        lines[place:place] = block if known is not None else ["", *block]
    elif not isinstance(above.content, dict) or not above.keys:
        over = document.node(loc[:-2])
        key = over.keys[loc[-2]] if over is not None else document.root.keys[loc[0]]
        start, rest = lines[key.line - 1][: key.column - 1], lines[key.line - 1][key.column - 1 :]
        rest = re.sub(r":\s*(?:\{\s*\})?", lambda _found: f": {{{entry}}} ", rest, count=1).rstrip()
        lines[key.line - 1] = f"{start}{rest}"
    else:
        first = min(above.keys.values(), key=lambda each: (each.line, each.column))
        line = lines[first.line - 1]
        # Before the first one: the end of a mapping is harder to find, behind comments and brackets.
        if line[: first.column - 1].strip():
            lines[first.line - 1] = f"{line[: first.column - 1]}{entry}, {line[first.column - 1 :]}"
        else:
            lines.insert(first.line - 1, f"{line[: first.column - 1]}{entry}")
    return "\n".join((*lines, ""))


def _behind_first(node: object) -> tuple[int, int]:
    return (-getattr(node, "line", 0), -getattr(node, "column", 0))


def _written(rest: str, text: str) -> str | None:
    """Return a value as written at the beginning of the rest of a line.

    It is bare or in quotes; None if it is not there.
    """
    for written in (text, f'"{text}"', f"'{text}'"):
        if rest.startswith(written):
            return written
    quote = rest[:1]
    if quote in ("'", '"'):
        end = rest.find(quote, 1)
        return rest[: end + 1] if end > 0 else None
    return None


def scalar(text: str) -> str:
    """Return a text as one line of YAML, in quotes if it needs them."""
    bare = re.fullmatch(r"\w[\w '’.()/&+-]*", text) and not re.fullmatch(r"[\d\W]*|yes|no|true|false|null|ja|nee", text)
    return text if bare else json.dumps(text, ensure_ascii=False)
