"""The sandboxed Jinja environment, in which a template's data stays data.

Jinja escapes data for HTML when it joins it to markup (``~``, ``+``, ``join``, ``replace``). That is not enough for our
templates, which are Markdown: these operations print data as :func:`mkwmail.mail.merge.printed` does.
"""

import copy
import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from jinja2 import (
    BaseLoader,
    Environment,
    StrictUndefined,
    Template,
    Undefined,
    filters,
    nodes,
    pass_context,
    pass_environment,
    pass_eval_context,
)
from jinja2.compiler import CodeGenerator, Frame
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from mkwmail.i18n import _
from mkwmail.mail.merge import Value, printed, quote_link

# They write HTML of their own, which Markdown would show as text; or their result differs each time, so that the mail
# that is sent would differ from the preview; or a mistyped number can make them run long or fill the memory.
_NOT_OFFERED = (
    *("urlize", "xmlattr", "tojson", "pprint", "striptags", "forceescape", "random", "lipsum"),
    *("range", "center", "indent", "batch", "slice"),
)
_STRETCH = frozenset({"center", "ljust", "rjust", "zfill", "expandtabs"})
_WIDEST = 1000
_WIDTH = re.compile(r"%[^a-zA-Z%]*\d{2}")
_STRETCHED = re.compile(r"%[^a-zA-Z%]*(?:\d{4}|\*)")

_MOST = 1_000_000_000  # a factor must be smaller

#: Characters of a text, or entries of a list with all that is in it. The longest real mail has a tenth of it.
LARGEST = 200_000
#: Printed characters and rounds of loops that the rendering of one text may take.
LONGEST = 2_000_000
_CALL = 20  # a call takes about as long as so many of them


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that was probably meant, or None."""
    return next(iter(difflib.get_close_matches(word, list(known), 1)), None)


class ForbiddenError(SecurityError):
    """The error that a template does something it may not do.

    Its text is written for the user.
    """


class Names:
    """A group of names in a template.

    An example is ``event`` with ``title``, ``starts`` and so on.
    """

    __slots__ = ("_values",)

    def __init__(self, values: dict[str, Any]) -> None:
        object.__setattr__(self, "_values", values)

    def __getattr__(self, name: str) -> Any:
        try:
            return self._values[name]
        except KeyError:
            raise AttributeError(name) from None

    def __dir__(self) -> list[str]:
        return list(self._values)


class _Missing(StrictUndefined):
    """An unknown name, whose error suggests the nearest known one."""

    __slots__ = ()
    known: ClassVar[frozenset[str]] = frozenset()

    @property
    def _undefined_message(self) -> str:
        name = str(self._undefined_name)
        if isinstance(self._undefined_obj, Names):
            known = nearest(name, dir(self._undefined_obj))
        elif isinstance(self._undefined_obj, type(None)) or self._undefined_hint:
            return str(super()._undefined_message)
        else:
            known = nearest(name, self.known)
        if known:
            return _('the template uses "%(name)s", which is not known; perhaps "%(known)s"?') % {
                "name": name,
                "known": known,
            }
        return _('the template uses "%(name)s", which is not known') % {"name": name}

    # In a list that is printed, it would be the word "Undefined" in the mail.
    __repr__ = StrictUndefined.__str__


class _Generator(CodeGenerator):
    def _write_concat(self, node: nodes.Concat, frame: Frame) -> None:
        self.write("environment.joined((")
        for part in node.nodes:
            self.visit(part, frame)
            self.write(", ")
        self.write("))")

    def _write_loop(self, node: nodes.For, frame: Frame) -> None:
        counted = copy.copy(node)
        counted.iter = nodes.Call(nodes.EnvironmentAttribute("counted"), [node.iter], [], None, None)
        super().visit_For(counted, frame)

    def _write_list(self, node: nodes.List, frame: Frame) -> None:
        self._write_bounded(super().visit_List, node, frame)

    def _write_tuple(self, node: nodes.Tuple, frame: Frame) -> None:
        if node.ctx == "load":
            self._write_bounded(super().visit_Tuple, node, frame)
        else:
            super().visit_Tuple(node, frame)

    def _write_dict(self, node: nodes.Dict, frame: Frame) -> None:
        self._write_bounded(super().visit_Dict, node, frame)

    def _write_bounded(self, write: Callable[[Any, Frame], None], node: nodes.Expr, frame: Frame) -> None:
        self.write("environment.bounded(")
        write(node, frame)
        self.write(")")

    # Jinja finds the visitors by these names.
    visit_Concat = _write_concat  # noqa: N815
    visit_For = _write_loop  # noqa: N815
    visit_List = _write_list  # noqa: N815
    visit_Tuple = _write_tuple  # noqa: N815
    visit_Dict = _write_dict  # noqa: N815


def _refuse_above_largest(size: int) -> None:
    if size > LARGEST:
        raise ForbiddenError(_("it makes a text or a list of more than %(most)d characters") % {"most": LARGEST})


def _size(value: object, most: int = LARGEST) -> int:
    """Return the characters and entries in a value, with all that is in it; it counts no further than ``most``."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, Mapping):
        parts: Iterable[object] = (each for pair in value.items() for each in pair)
    elif isinstance(value, list | tuple | set | frozenset):
        parts = value
    else:
        return 1
    size = 1
    for part in parts:
        # A list can hold another one many times: its size is that of the printed text.
        size += _size(part, most - size)
        if size > most:
            break
    return size


def _bounded(value: Any) -> Any:
    _refuse_above_largest(_size(value))
    return value


def _joined(parts: Iterable[Any]) -> str:
    together = list(parts)
    _refuse_above_largest(sum(len(part) for part in together if isinstance(part, str)))
    if any(hasattr(part, "__html__") for part in together):
        return Markup("").join(printed(part) for part in together)
    return "".join(str(part) for part in together)


@pass_eval_context
def _join(context: nodes.EvalContext, items: Iterable[Any], d: str = "", attribute: str | None = None) -> str:
    if attribute is not None:
        items = [context.environment.getattr(item, attribute) for item in items]
    texts = [printed(item) for item in items]
    _refuse_above_largest(sum(map(len, texts)) + len(printed(d)) * len(texts))
    return printed(d).join(texts)


@pass_context
def _map(context: Context, value: Any, *args: Any, **named: Any) -> Iterator[Any]:
    for item in filters.sync_do_map(context, value, *args, **named):
        if isinstance(item, Undefined):
            str(item)  # raises: an unknown name must be a fault wherever it stands
        yield item


@pass_environment
def _wordwrap(
    environment: Environment,
    text: str,
    width: int = 79,
    break_long_words: bool = True,
    wrapstring: str | None = None,
    break_on_hyphens: bool = True,
) -> str:
    _refuse_above_largest(len(text) * (1 + len(wrapstring or "")))
    return filters.do_wordwrap(environment, text, width, break_long_words, wrapstring, break_on_hyphens)


def _grown(method: str, text: str, args: Sequence[Any], named: Mapping[str, Any]) -> int:
    """Return about how long the result of a text's method is, at most."""
    given = (*args, *named.values())
    if method == "replace":
        old, new = (*args, *(named[key] for key in ("old", "new") if key in named))[:2]
        return len(text) + text.count(str(old)) * len(str(printed(new)))
    if method == "translate":
        return len(text) * max(1, *(_size(each) for each in given))
    if method == "join":
        texts = [each for some in given for each in some]
        return sum(len(str(each)) for each in texts) + len(text) * len(texts)
    if method == "expandtabs":
        return len(text) + text.count("\t") * max((each for each in given if isinstance(each, int)), default=8)
    return 0


def _replace(text: Any, old: str, new: str, count: int = -1) -> str:
    _refuse_above_largest(_grown("replace", str(text), (old, new), {}))
    if isinstance(text, Markup):
        return Markup(str(text).replace(str(printed(old)), str(printed(new)), count))
    return Value(str(text).replace(str(old), str(new), count))


def _format(text: Any, *args: Any, **named: Any) -> str:
    if isinstance(text, Markup):
        raise ForbiddenError(_("format works on plain text only"))
    if _STRETCHED.search(text):
        raise ForbiddenError(_("it fills up to a width of more than a thousand"))
    longest = max((_size(each) for each in (*args, *named.values())), default=0)
    _refuse_above_largest(len(text) + text.count("%") * max(longest, _WIDEST if _WIDTH.search(text) else 0))
    return Value(str(text) % (named or args))


def _urlencode(text: Any) -> Markup:
    return Markup(_bounded(quote_link(filters.FILTERS["urlencode"](str(text)))))


class _Template(Template):
    def render(self, *args: Any, **named: Any) -> str:
        if isinstance(self.environment, TemplateEnvironment):
            self.environment.begin()
        return super().render(*args, **named)


class TemplateEnvironment(ImmutableSandboxedEnvironment):
    """A sandboxed environment in which everything printed is data.

    Only text that a template or a Markdown field contains is markup. ``trees``: what was parsed, by text and name.
    """

    code_generator_class = _Generator
    template_class = _Template
    intercepted_binops = frozenset(["+", "%", "*", "**"])

    def __init__(self, loader: BaseLoader) -> None:
        super().__init__(
            loader=loader,
            autoescape=True,
            undefined=_Missing,
            finalize=self._printed,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            # A template is used once or twice: optimizing takes longer than it saves.
            optimized=False,
        )
        self._left = LONGEST
        self.trees: dict[tuple[str, str | None], nodes.Template] = {}
        for name in _NOT_OFFERED:
            self.filters.pop(name, None)
            self.globals.pop(name, None)
        self.filters.update(
            join=_join, replace=_replace, format=_format, urlencode=_urlencode, e=printed, escape=printed, map=_map
        )
        self.filters.update(wordwrap=_wordwrap)

    joined = staticmethod(_joined)
    bounded = staticmethod(_bounded)

    def begin(self) -> None:
        """Begin the rendering of a text, which may take as much as :data:`LONGEST` says."""
        self._left = LONGEST

    def counted(self, items: Iterable[Any]) -> Iterator[Any]:
        """Yield the items of a loop, and count its rounds."""
        for item in items:
            self._take(1)
            yield item

    def _printed(self, value: object) -> Markup:
        text = printed(value)
        self._take(len(text))
        return text

    def _take(self, much: int) -> None:
        self._left -= much
        if self._left < 0:
            raise ForbiddenError(_("it goes on for too long: a loop in a loop, or a text that grows"))

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        """Parse a template once, both to analyse and to compile it."""
        tree = self.trees.get((source, name))
        if tree is None:
            tree = self.trees[source, name] = super()._parse(source, name, filename)
        return tree

    def wrap_str_format(self, value: Any) -> None:
        """Return None, so that ``str.format`` stays forbidden.

        It sets no limit to widths, and templates have the filter ``format``.
        """

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Return whether a template may use an attribute; octets would have methods without bounds."""
        return attr not in ("format", "format_map", "encode") and super().is_safe_attribute(obj, attr, value)

    def call(self, context: Context, obj: Any, *args: Any, **named: Any) -> Any:
        """Call a function, but never to stretch a text without limit."""
        self._take(_CALL)
        name, text = getattr(obj, "__name__", ""), getattr(obj, "__self__", None)
        given = (*args, *named.values())
        if name in _STRETCH and any(isinstance(each, int) and each > _WIDEST for each in given):
            raise ForbiddenError(_("it fills up to a width of more than a thousand"))
        if isinstance(text, str):
            # An iterator can be read only once, and is measured first.
            args = tuple(list(each) if isinstance(each, Iterator) else each for each in args)
            _refuse_above_largest(_grown(name, text, args, named))
        return _bounded(super().call(context, obj, *args, **named))

    def know(self, names: Iterable[str]) -> None:
        """Set the names that templates are given.

        The error for an unknown name suggests the nearest of them.
        """
        self.undefined = type("_Missing", (_Missing,), {"__slots__": (), "known": frozenset(names)})

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Apply an operator, and refuse results that could fill the memory.

        For ``+`` and ``%`` between data and markup see the module.
        """
        if operator == "+" and isinstance(left, str) and isinstance(right, str):
            return _joined((left, right))
        if operator == "+":
            _refuse_above_largest(_size(left) + _size(right))
        if operator == "%" and isinstance(left, str):
            return _format(left, *(right if isinstance(right, tuple) else (right,)))
        if operator == "*" and not all(isinstance(each, int) and abs(each) < _MOST for each in (left, right)):
            raise ForbiddenError(_("it multiplies something that is not a number, or too large a one"))
        if operator == "**":
            raise ForbiddenError(_("it raises a number to a power"))
        return super().call_binop(context, operator, left, right)
