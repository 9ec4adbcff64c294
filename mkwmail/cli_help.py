"""What typer says of its own accord, in this program's words: the frame of the help, and wrong usage."""

import difflib
import re
from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup

from mkwmail.errors import ExitCode, Fault, UserError
from mkwmail.i18n import _


def _usage_pieces(command: TyperCommand | TyperGroup) -> list[str]:
    pieces = [_("[OPTIONS]")]
    for param in command.params:
        if isinstance(param, TyperArgument):
            name = str(param.metavar or param.name)
            pieces.append(name if param.required else f"[{name}]")
    if isinstance(command, TyperGroup):
        pieces.append(_("COMMAND …"))
    return pieces


def _sections(command: TyperCommand | TyperGroup, ctx: Any, formatter: Any) -> None:
    """The arguments and options, each with its help; what must be given shows in the line of usage."""
    arguments = [
        (str(param.metavar or param.name), param.help or "")
        for param in command.params
        if isinstance(param, TyperArgument)
    ]
    options = [
        (record[0], _option_help(param))
        for param in command.get_params(ctx)
        if not isinstance(param, TyperArgument) and (record := param.get_help_record(ctx))
    ]
    for title, rows in ((_("Arguments"), arguments), (_("Options"), options)):
        if rows:
            with formatter.section(title):
                formatter.write_dl(rows)


def _option_help(option: Any) -> str:
    of_typer_itself = {
        "install_completion": _("Install completion for this shell."),
        "show_completion": _("Show the completion's script for this shell."),
        "help": _("Show this message and exit."),
    }
    said = of_typer_itself.get(option.name) or option.help or ""
    notes = [_("required")] if option.required else []
    if option.envvar:
        notes.append(_("or the variable %(name)s") % {"name": option.envvar})
    return f"{said}  [{'; '.join(notes)}]" if notes else str(said)


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0].partition(". ")[0].removesuffix(".")


class Command(TyperCommand):
    """A command whose help speaks the program's language throughout."""

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        formatter.write_usage(ctx.command_path, " ".join(_usage_pieces(self)), prefix=_("Usage: "))

    def format_options(self, ctx: Any, formatter: Any) -> None:
        _sections(self, ctx, formatter)


class Group(TyperGroup):
    """Commands under one name, with such help."""

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        formatter.write_usage(ctx.command_path, " ".join(_usage_pieces(self)), prefix=_("Usage: "))

    def format_options(self, ctx: Any, formatter: Any) -> None:
        _sections(self, ctx, formatter)
        shown = [command for command in self.commands.values() if not command.hidden]
        with formatter.section(_("Commands")):
            # The first sentence whole: typer would cut it where the line ends.
            formatter.write_dl([(command.name, _first_line(command.help or "")) for command in shown])

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that is named. :raises UserError: code USAGE, with the nearest name, where there is none."""
        if self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            fault = _('there is no command "%(name)s"') % {"name": args[0]}
            near = difflib.get_close_matches(args[0], self.commands, n=1)
            remedy = _("did you mean %(name)s?") % {"name": near[0]} if near else _see(ctx.command_path)
            raise UserError(Fault("", fault, remedy), code=ExitCode.USAGE)
        return super().resolve_command(ctx, args)


class App(typer.Typer):
    """Typer, whose commands and groups are these."""

    def __init__(self, **settings: Any) -> None:
        # Help and usage errors are plain text: a name or file with [brackets] in it is never read as markup.
        super().__init__(cls=Group, rich_markup_mode=None, pretty_exceptions_enable=False, **settings)

    def command(self, name: str | None = None, **settings: Any) -> Callable[[Any], Any]:
        return super().command(name, cls=Command, **settings)


def _name(error: Any) -> str:
    """How the parameter that is missing or wrong is called on the command line."""
    param = error.param
    return str(param.metavar or param.name) if isinstance(param, TyperArgument) else str(param.opts[0])


def _choices(error: Any) -> str:
    """What the words of an error list as the values to choose from; empty where they list none."""
    return str(error).partition(" is not one of ")[2].rstrip(".").replace("'", "")


def wrong_usage(error: Exception) -> UserError:
    """What typer refused, said by this program. ``error``: the exception that typer raised for it.

    Its kinds are known by their names, for typer keeps their classes to itself; an unknown kind says its own words.
    """
    ctx: Any = getattr(error, "ctx", None)
    option = getattr(error, "option_name", "")
    remedy = _see(ctx.command_path if ctx else "mkwmail")
    match type(error).__name__:
        case "NoSuchOption":
            fault = _("there is no option %(name)s") % {"name": option}
            near = getattr(error, "possibilities", None)
            remedy = _("did you mean %(name)s?") % {"name": near[0]} if near else remedy
        case "MissingParameter":
            fault = _("%(name)s is missing") % {"name": _name(error)}
        case "BadParameter" if choices := _choices(error):
            fault = _("%(name)s cannot have this value") % {"name": _name(error)}
            remedy = _("choose from: %(names)s") % {"names": choices}
        case "BadParameter" if re.search(r"valid integer|greater than", str(error)):
            fault = _("%(name)s needs a whole number, 1 or more") % {"name": _name(error)}
        case "BadParameter":
            fault = _("%(name)s cannot have this value") % {"name": _name(error)}
        case "BadOptionUsage" if "does not take" in str(error):
            fault = _("%(name)s takes no value") % {"name": option}
        case "BadOptionUsage":
            fault = _("%(name)s needs a value behind it") % {"name": option}
        case "UsageError" if "extra argument" in str(error):
            fault = _("too many words: %(words)s") % {"words": str(error).partition("(s) (")[2].removesuffix(")")}
        case _:
            fault = str(error)
    return UserError(Fault("", fault, remedy), code=ExitCode.USAGE)


def _see(command: str) -> str:
    return _("see: %(command)s --help") % {"command": command}
