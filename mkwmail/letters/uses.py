"""Which of a member's values a mailing's templates merely print, and which they look at.

Two members whose looked-at values are the same, and who lack the same values, have the same marked rendering: it
need be made only once. A value counts as looked at unless it is plainly printed or asked whether it is there;
also where printed text is caught and may be cut or measured (``set``, ``filter``, ``call``, a macro's result).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from jinja2 import nodes

PERSONAL = frozenset({"member", "salutation", "signup_link", "answer"})
WHOLE_MEMBER = "member"
"""In the looked-at fields: the member as a whole was handed on, so every field counts."""


class _Use(IntEnum):
    PRINTED = 0
    ASKED = 1
    LOOKED_AT = 2


@dataclass(slots=True)
class _Found:
    """What one piece of template does with values, and which macros it calls and how."""

    fields: dict[str, _Use] = field(default_factory=dict)
    calls: dict[str, _Use] = field(default_factory=dict)

    def use(self, name: str, use: _Use) -> None:
        self.fields[name] = max(use, self.fields.get(name, use))

    def call(self, name: str, use: _Use) -> None:
        self.calls[name] = max(use, self.calls.get(name, use))


def looked_at(templates: Iterable[nodes.Template]) -> frozenset[str]:
    """The fields (``member.function``, ``salutation``) whose values these templates look at."""
    macros: dict[str, list[_Found]] = {}
    pieces: list[_Found] = []
    for template in templates:
        top = _Found()
        _visit_all(template.body, _Use.PRINTED, False, top, macros)
        pieces.append(top)
    uses: dict[str, _Use] = {}
    seen: set[tuple[str, _Use]] = set()
    todo = [(piece, _Use.PRINTED) for piece in pieces]
    while todo:
        piece, at_least = todo.pop()
        for name, use in piece.fields.items():
            uses[name] = max(use, at_least, uses.get(name, use))
        for called, use in piece.calls.items():
            mode = max(use, at_least)
            if (called, mode) not in seen:
                seen.add((called, mode))
                todo.extend((found, mode) for found in macros.get(called, ()))
    return frozenset(name for name, use in uses.items() if use is _Use.LOOKED_AT)


Macros = dict[str, list[_Found]]


def _visit_all(parts: Iterable[nodes.Node], use: _Use, caught: bool, found: _Found, macros: Macros) -> None:
    for part in parts:
        _visit(part, use, caught, found, macros)


def _visit(node: nodes.Node, use: _Use, caught: bool, found: _Found, macros: Macros) -> None:
    """Note what a node does. ``use``: what happens to its value; ``caught``: printed text may be looked at."""
    reference = _reference(node)
    if reference is not None:
        found.use(reference, use)
        return
    match node:
        case nodes.Output():
            _visit_all(node.nodes, _Use.LOOKED_AT if caught else _Use.PRINTED, caught, found, macros)
        case nodes.Macro():
            body = _Found()
            _visit_all(node.body, _Use.PRINTED, False, body, macros)
            _visit_all(node.defaults, _Use.LOOKED_AT, False, body, macros)
            macros.setdefault(node.name, []).append(body)
        case nodes.FilterBlock() | nodes.AssignBlock() | nodes.CallBlock():
            _visit_all(node.iter_child_nodes(), _Use.LOOKED_AT, True, found, macros)
        case nodes.If():
            _visit(node.test, _Use.ASKED, caught, found, macros)
            _visit_all([*node.body, *node.elif_, *node.else_], use, caught, found, macros)
        case nodes.CondExpr():
            _visit(node.test, _Use.ASKED, caught, found, macros)
            _visit_all(filter(None, (node.expr1, node.expr2)), use, caught, found, macros)
        case nodes.Not() | nodes.And() | nodes.Or() if use is _Use.ASKED:
            _visit_all(node.iter_child_nodes(), _Use.ASKED, caught, found, macros)
        case nodes.Concat() if use is _Use.PRINTED:
            _visit_all(node.nodes, use, caught, found, macros)
        case nodes.Call(node=nodes.Name(name=name)):
            found.call(name, _Use.PRINTED if use is _Use.PRINTED else _Use.LOOKED_AT)
            rest = (part for part in node.iter_child_nodes() if part is not node.node)
            _visit_all(rest, _Use.LOOKED_AT, caught, found, macros)
        case nodes.Expr():
            _visit_all(node.iter_child_nodes(), _Use.LOOKED_AT, caught, found, macros)
        case _:
            _visit_all(node.iter_child_nodes(), _statement_use(node), caught, found, macros)


def _statement_use(node: nodes.Node) -> _Use:
    # A loop looks at what it goes through; what its body prints is printed (Output sees to that).
    return _Use.LOOKED_AT if isinstance(node, nodes.Stmt) else _Use.PRINTED


def _reference(node: nodes.Node) -> str | None:
    """The field that a node names: ``member.x``, ``member["x"]``, or a personal name by itself."""
    match node:
        case nodes.Getattr(node=nodes.Name(name="member"), attr=attr):
            return f"member.{attr}"
        case nodes.Getitem(node=nodes.Name(name="member"), arg=nodes.Const(value=str(key))):
            return f"member.{key}"
        case nodes.Name(name=name, ctx="load") if name in PERSONAL:
            return str(name)
        case _:
            return None


def rendering_key(
    values: Mapping[str, str], answer: str | None, fields: frozenset[str]
) -> tuple[frozenset[tuple[str, str]], frozenset[str], str | None]:
    """What a member's marked rendering depends on: the values looked at, the values lacking, the answer."""
    names = fields
    if WHOLE_MEMBER in fields:
        names = fields.union([name for name in values if name.startswith("member.")])
    seen = frozenset([(name, values[name]) for name in names if name in values])
    return seen, frozenset([name for name, value in values.items() if not value]), answer
