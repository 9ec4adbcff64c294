"""Help pages and usage errors in the language of the program.

They replace typer's own English text.
"""

import difflib
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup

from mkwmail.errors import ExitCode, UserError, user_error
from mkwmail.i18n import _

if TYPE_CHECKING:
    from mkwmail.config.folder import WorkingFolder


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
    """Write the arguments and options with their help. The usage line shows which arguments are required."""
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


def _groups() -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the program's commands by what a user wants to do: (title, names)."""
    return (
        (_("Prepare"), ("init", "login", "new", "change", "check", "preview", "proof", "template")),
        (_("Send"), ("send", "schedule", "due")),
        (_("Hear back"), ("inbox", "answers", "bounces", "status", "resolve", "papers", "calendar")),
        (_("Manage"), ("skip", "about", "forget", "purge", "restore", "handover", "takeover", "logout")),
        (_("Find your way"), ("open", "guide", "schema")),
    )


# The command that Dutch users mean by a word, by its beginning.
_IN_DUTCH = {
    "verst": "send",
    "verzend": "send",
    "stuur": "send",
    "bekijk": "preview",
    "controle": "check",
    "proef": "proof",
    "antwoord": "answers",
    "nieuw": "new",
    "wijzig": "change",
    "plan": "schedule",
    "vergeet": "forget",
    "herstel": "restore",
}


def _folder(ctx: Any) -> "WorkingFolder":
    from mkwmail.config.folder import find_folder

    asks = sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()
    return find_folder(Path.cwd(), ctx.find_root().params["folder"], elsewhere=asks)


def _mailing_key(folder: "WorkingFolder", event: str) -> Callable[[str], str]:
    """Return the function that gives a mailing's name in the event file for a word: itself, or what is Dutch for it.

    A mailing of the event that has the Dutch word for its name comes first.
    """
    from mkwmail.config.folder import mailing_names_in
    from mkwmail.config.kinds import kind_of_dutch

    try:
        names = mailing_names_in(folder.event_path(event))
    except UserError:  # the command says it
        names = []
    return lambda word: word if word in names else kind_of_dutch(word) or word


def _as_words(given: object) -> list[str]:
    """Return the words of one argument; nothing if it was not given."""
    if isinstance(given, str):
        return [given]
    return list(given) if isinstance(given, (tuple, list)) else []


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0].partition(". ")[0].removesuffix(".")


class Command(TyperCommand):
    """A command with its help fully in the program's language, whose event may be left out."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the words, with the event that is meant if none is named.

        A mailing may be named in Dutch.

        :raises UserError: if no event is named, and it is not clear which one is meant.
        """
        try:
            if not ctx.resilient_parsing:
                args = self._with_event(ctx, args)
            rest: list[str] = super().parse_args(ctx, args)
        except Exception as error:
            # typer's parser raises some errors without the command that they are about.
            if getattr(error, "ctx", ctx) is None:
                error.ctx = ctx  # type: ignore[attr-defined]
            raise
        event, mailings = ctx.params.get("event"), ctx.params.keys() & {"mailing", "mailings"}
        if event and mailings:
            key = _mailing_key(_folder(ctx), event)
            for name in mailings:
                said = ctx.params[name]
                if isinstance(said, str):
                    ctx.params[name] = key(said)
                elif said:
                    ctx.params[name] = list(dict.fromkeys(map(key, said)))
        return rest

    def _with_event(self, ctx: Any, args: list[str]) -> list[str]:
        """Return the words with the event before them, if the first of them is not an event."""
        arguments = [param for param in self.params if isinstance(param, TyperArgument)]
        if not arguments or arguments[0].name != "event" or not callable(arguments[0].default):
            return args
        others = arguments[1:]
        given, _rest, _order = self.make_parser(ctx).parse_args(args=list(args))
        if given.get("help"):
            return args
        words = [word for param in arguments for word in _as_words(given.get(str(param.name)))]
        most = len(others) if all(param.nargs == 1 for param in others) else len(words)
        folder = _folder(ctx)
        if words and folder.is_event(words[0]):
            return args
        if len(words) > sum(param.required for param in others):
            if folder.has_event(words[0]) or len(words) > most:
                return args
            from mkwmail.commands.words import may_be

            if not may_be(str(others[0].name), words[0], folder):
                return args
        from mkwmail.commands.words import presumed_event

        return [presumed_event(folder), *args]

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        formatter.write_usage(ctx.command_path, " ".join(_usage_pieces(self)), prefix=_("Usage: "))

    def format_options(self, ctx: Any, formatter: Any) -> None:
        _sections(self, ctx, formatter)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        _chapter(ctx, formatter)


#: Command → the chapter of the guide that tells about it (mkwmail/mail/pages.py).
CHAPTER_OF = {
    **dict.fromkeys(("init", "login", "logout", "open"), "inloggen"),
    **dict.fromkeys(("new", "schedule"), "vooraankondiging"),
    **dict.fromkeys(("check", "preview", "send"), "uitnodiging"),
    **dict.fromkeys(("answers", "inbox"), "aanmeldingen"),
    **dict.fromkeys(("change",), "wijzigingen"),
    **dict.fromkeys(("status", "purge", "forget", "about"), "opruimen"),
    **dict.fromkeys(("bounces", "resolve", "restore", "skip"), "misgaat"),
    **dict.fromkeys(("handover", "takeover"), "overnemen"),
    "due": "beheer",
    "papers": "papieren",
    "proof": "voorzitter",
    "template": "teksten",
}


def _chapter(ctx: Any, formatter: Any) -> None:
    """Write which chapter of the guide tells about a command, or about the group that it is in."""
    words = ctx.command_path.split()[1:]
    chapter = CHAPTER_OF.get(words[0], "") if words else ""
    if chapter:
        formatter.write_paragraph()
        formatter.write_text(_("In the guide: mkwmail guide %(chapter)s") % {"chapter": chapter})


class Group(TyperGroup):
    """A group of commands with its help fully in the program's language."""

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        formatter.write_usage(ctx.command_path, " ".join(_usage_pieces(self)), prefix=_("Usage: "))

    def format_options(self, ctx: Any, formatter: Any) -> None:
        _sections(self, ctx, formatter)
        shown = {name: command for name, command in self.commands.items() if not command.hidden}
        groups = _groups() if ctx.parent is None else ()
        listed = {name for _title, names in groups for name in names}
        others = tuple(name for name in shown if name not in listed)
        for title, names in (*groups, (_("More commands") if groups else _("Commands"), others)):
            # Show the whole first sentence: typer would cut it at the end of the line.
            rows = [(name, _first_line(shown[name].help or "")) for name in names if name in shown]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        _chapter(ctx, formatter)
        if self.epilog:
            formatter.write_paragraph()
            for line in self.epilog.split("\n"):
                formatter.write_text(line)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command that the user named; for ``help COMMAND`` its help.

        :raises UserError: code USAGE, with the most similar name, if there is no such command.
        """
        if args[0] == "help" and "help" not in self.commands:
            if not args[1:]:
                typer.echo(ctx.get_help())
                ctx.exit()
            return self.resolve_command(ctx, [*args[1:], "--help"])
        if self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            fault = _('there is no command "%(name)s"') % {"name": args[0]}
            meant = [command for word, command in _IN_DUTCH.items() if args[0].casefold().startswith(word)]
            near = meant if meant and meant[0] in self.commands else difflib.get_close_matches(args[0], self.commands)
            remedy = _("did you mean %(name)s?") % {"name": near[0]} if near else _see(ctx.command_path)
            raise user_error("", fault, remedy, code=ExitCode.USAGE)
        return super().resolve_command(ctx, args)


class App(typer.Typer):
    """A typer application that uses this module's commands and groups."""

    def __init__(self, **settings: Any) -> None:
        # Help and usage errors are plain text, so that a name or file with [brackets] is never read as markup.
        super().__init__(cls=Group, rich_markup_mode=None, pretty_exceptions_enable=False, **settings)

    def command(self, name: str | None = None, **settings: Any) -> Callable[[Any], Any]:
        return super().command(name, cls=Command, **settings)


def _name(error: Any) -> str:
    """Return the name of the wrong parameter on the command line."""
    param = error.param
    return str(param.metavar or param.name) if isinstance(param, TyperArgument) else str(param.opts[0])


def wrong_usage(error: Exception) -> UserError:
    """Return typer's usage error as an error in this program's words.

    The kinds of errors are recognised by their class names, because typer does not export the classes. An
    unknown kind keeps its own text.

    :param error: the exception that typer raised.
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
        case "BadParameter" if choices := str(error).partition(" is not one of ")[2].rstrip(".").replace("'", ""):
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
    return user_error("", fault, remedy, code=ExitCode.USAGE)


def _see(command: str) -> str:
    return _("see: %(command)s --help") % {"command": command}
