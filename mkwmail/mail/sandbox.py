"""The sandboxed Jinja environment, in which a template's data stays data.

Jinja escapes data for HTML when it joins it to markup (``~``, ``+``, ``join``, ``replace``). That is not enough for our
templates, which are Markdown: these operations print data as :func:`mkwmail.mail.merge.printed` does.
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

# They write HTML of their own, which Markdown would show as text; or their result differs each time, so that the mail
# that is sent would differ from the preview; or a mistyped number can make them run long or fill the memory.
_NOT_OFFERED = (
    *("urlize", "xmlattr", "tojson", "pprint", "striptags", "forceescape", "random", "lipsum"),
    *("range", "center", "indent", "batch", "slice"),
)
_STRETCH = frozenset({"center", "ljust", "rjust", "zfill", "expandtabs"})
_WIDEST = 1000
_STRETCHED = re.compile(r"%[^a-zA-Z%]*(?:\d{4}|\*)")

_MOST = 1_000_000_000  # a factor must be smaller


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
    """A sandboxed environment in which everything printed is data.

    Only text that a template or a Markdown field contains is markup.
    """

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
        """Parse a template once, both to analyse and to compile it."""
        tree = self._read.get((source, name))
        if tree is None:
            tree = self._read[source, name] = super()._parse(source, name, filename)
        return tree

    def wrap_str_format(self, value: Any) -> None:
        """Return None, so that ``str.format`` stays forbidden.

        It sets no limit to widths, and templates have the filter ``format``.
        """

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Return whether a template may use an attribute."""
        return attr not in ("format", "format_map") and super().is_safe_attribute(obj, attr, value)

    def call(self, context: Context, obj: Any, *args: Any, **named: Any) -> Any:
        """Call a function, but never to stretch a text without limit."""
        if getattr(obj, "__name__", "") in _STRETCH and any(isinstance(each, int) and each > _WIDEST for each in args):
            raise ForbiddenError(_("it fills up to a width of more than a thousand"))
        return super().call(context, obj, *args, **named)

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
        if operator == "%" and isinstance(left, str):
            return _format(left, *(right if isinstance(right, tuple) else (right,)))
        if operator == "*" and not all(isinstance(each, int) and abs(each) < _MOST for each in (left, right)):
            raise ForbiddenError(_("it multiplies something that is not a number, or too large a one"))
        if operator == "**":
            raise ForbiddenError(_("it raises a number to a power"))
        return super().call_binop(context, operator, left, right)
