"""The Jinja environment of templates: sandboxed, and data stays data wherever a template puts it.

Jinja escapes data for HTML where it joins it to markup (``~``, ``+``, ``join``, ``replace``). Our templates are
Markdown, where that is not enough: these places print data as :func:`mkwmail.mail.merge.printed` does.
"""

import difflib
import re
from collections.abc import Iterable
from typing import Any, ClassVar

from jinja2 import BaseLoader, StrictUndefined, filters, nodes, pass_eval_context
from jinja2.compiler import CodeGenerator, Frame
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from mkwmail.i18n import _
from mkwmail.mail.merge import Value, printed, quote_link

# They write HTML of their own, which Markdown would show as text; or say something else each time, and what is
# sent would not be what was previewed; or go on as long, or fill as much memory, as a slip of the pen says.
_NOT_OFFERED = (
    *("urlize", "xmlattr", "tojson", "pprint", "striptags", "forceescape", "random", "lipsum"),
    *("range", "center", "indent", "batch", "slice"),
)
_STRETCH = frozenset({"center", "ljust", "rjust", "zfill", "expandtabs"})
_WIDEST = 1000
_STRETCHED = re.compile(r"%[^a-zA-Z%]*(?:\d{4}|\*)")

_MOST = 1_000_000_000  # what a factor stays under


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant, if any."""
    return next(iter(difflib.get_close_matches(word, list(known), 1)), None)


class ForbiddenError(SecurityError):
    """What a template may not do, in the words of the person at the keyboard."""


class Names:
    """A group of names in a template: ``event`` with ``title``, ``starts`` and so on."""

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
    """An unknown name: an error that names the nearest known one."""

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


class _Generator(CodeGenerator):
    def _write_concat(self, node: nodes.Concat, frame: Frame) -> None:
        self.write("environment.joined((")
        for part in node.nodes:
            self.visit(part, frame)
            self.write(", ")
        self.write("))")

    # Jinja finds the visitor of ``~`` by this name.
    visit_Concat = _write_concat  # noqa: N815


def _joined(parts: Iterable[Any]) -> str:
    together = list(parts)
    if any(hasattr(part, "__html__") for part in together):
        return Markup("").join(printed(part) for part in together)
    return "".join(str(part) for part in together)


@pass_eval_context
def _join(context: nodes.EvalContext, items: Iterable[Any], d: str = "", attribute: str | None = None) -> str:
    if attribute is not None:
        items = [context.environment.getattr(item, attribute) for item in items]
    return printed(d).join(printed(item) for item in items)


def _replace(text: Any, old: str, new: str, count: int = -1) -> str:
    if isinstance(text, Markup):
        return Markup(str(text).replace(str(printed(old)), str(printed(new)), count))
    return Value(str(text).replace(str(old), str(new), count))


def _format(text: Any, *args: Any, **named: Any) -> str:
    if isinstance(text, Markup):
        raise ForbiddenError(_("format works on plain text only"))
    if _STRETCHED.search(text):
        raise ForbiddenError(_("it fills up to a width of more than a thousand"))
    return Value(str(text) % (named or args))


def _urlencode(text: Any) -> Markup:
    return Markup(quote_link(filters.FILTERS["urlencode"](str(text))))


class TemplateEnvironment(ImmutableSandboxedEnvironment):
    """A sandboxed environment in which everything printed is data, unless a template or Markdown field wrote it."""

    code_generator_class = _Generator
    intercepted_binops = frozenset(["+", "%", "*", "**"])

    def __init__(self, loader: BaseLoader) -> None:
        super().__init__(
            loader=loader,
            autoescape=True,
            undefined=_Missing,
            finalize=printed,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            # A template is used once or twice: optimizing takes longer than it saves.
            optimized=False,
        )
        self._read: dict[tuple[str, str | None], nodes.Template] = {}
        for name in _NOT_OFFERED:
            self.filters.pop(name, None)
            self.globals.pop(name, None)
        self.filters.update(
            join=_join, replace=_replace, format=_format, urlencode=_urlencode, e=printed, escape=printed
        )

    joined = staticmethod(_joined)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        """A template is read once, whether to look at it or to compile it."""
        tree = self._read.get((source, name))
        if tree is None:
            tree = self._read[source, name] = super()._parse(source, name, filename)
        return tree

    def wrap_str_format(self, value: Any) -> None:
        """``str.format`` gets no leave of its own: its widths are as large as one likes, and ``format`` is there."""

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Whether a template may have it."""
        return attr not in ("format", "format_map") and super().is_safe_attribute(obj, attr, value)

    def call(self, context: Context, obj: Any, *args: Any, **named: Any) -> Any:
        """A call that does not stretch a text as far as one likes."""
        if getattr(obj, "__name__", "") in _STRETCH and any(isinstance(each, int) and each > _WIDEST for each in args):
            raise ForbiddenError(_("it fills up to a width of more than a thousand"))
        return super().call(context, obj, *args, **named)

    def know(self, names: Iterable[str]) -> None:
        """Tell which names templates are given, to suggest the nearest where one is unknown."""
        self.undefined = type("_Missing", (_Missing,), {"__slots__": (), "known": frozenset(names)})

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """``+`` and ``%`` between data and markup, see the module; no result that fills the memory."""
        if operator == "+" and isinstance(left, str) and isinstance(right, str):
            return _joined((left, right))
        if operator == "%" and isinstance(left, str):
            return _format(left, *(right if isinstance(right, tuple) else (right,)))
        if operator == "*" and not all(isinstance(each, int) and abs(each) < _MOST for each in (left, right)):
            raise ForbiddenError(_("it multiplies something that is no number, or too large a one"))
        if operator == "**":
            raise ForbiddenError(_("it raises a number to a power"))
        return super().call_binop(context, operator, left, right)
