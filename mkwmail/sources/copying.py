"""A copy of a file that people wrote, with some values changed and everything else, comments too, as it was."""

from collections.abc import Mapping

from mkwmail.errors import Fault, UserError
from mkwmail.language import _
from mkwmail.sources.yaml_file import Document, Loc


def with_values(document: Document, values: Mapping[Loc, str]) -> str:
    """The file's text with these values, as YAML writes them, in the place of the ones at these keys.

    :raises UserError: where a value is not there, or runs over several lines.
    """
    lines = list(document.mended)
    places = {loc: document.node(loc) for loc in values}
    # From the end on, so that columns before a change stay what they are.
    for loc, node in sorted(places.items(), key=lambda each: _behind_first(each[1])):
        text = node.content if node is not None else None
        old = _written(lines[node.line - 1][node.column - 1 :], text) if node and isinstance(text, str) else None
        if node is None or old is None:
            fault = _("%(key)s must stand on one line") % {"key": ".".join(map(str, loc))}
            raise UserError(Fault(document.place(loc), fault, _("write it behind its key, on the same line")))
        line = lines[node.line - 1]
        start = node.column - 1
        lines[node.line - 1] = f"{line[:start]}{values[loc]}{line[start + len(old) :]}"
    return "\n".join(lines)


def _behind_first(node: object) -> tuple[int, int]:
    return (-getattr(node, "line", 0), -getattr(node, "column", 0))


def _written(rest: str, text: str) -> str | None:
    """How a value is written at the beginning of the rest of a line: bare, or in quotes."""
    for written in (text, f'"{text}"', f"'{text}'"):
        if rest.startswith(written):
            return written
    quote = rest[:1]
    if quote in ("'", '"'):
        end = rest.find(quote, 1)
        return rest[: end + 1] if end > 0 else None
    return None
