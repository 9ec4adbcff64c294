"""``template``: copy a shipped text to the folder, and show what one's own changes."""

import difflib
from pathlib import Path

from mkwmail.commands.context import Invocation, folder_of
from mkwmail.config.folder import WorkingFolder, shipped_templates
from mkwmail.config.kinds import RULES
from mkwmail.errors import ExitCode, Fault, UserError, user_error
from mkwmail.files import reason_of, shipped
from mkwmail.i18n import _, suggestion
from mkwmail.mail.templates import own_copy, without_note
from mkwmail.report.terminal import Terminal


def template(invocation: Invocation, kind: str | None, *, diff: bool = False) -> ExitCode:
    """List the shipped texts, copy one to the folder, or show how one's own differ.

    :raises UserError: code USAGE if there is no such text, or the folder already has its own.
    """
    folder, terminal = folder_of(invocation), invocation.terminal
    names = [_file_of(kind)] if kind is not None else list(shipped_templates())
    if diff:
        own = [name for name in names if (folder.templates_dir / name).is_file()]
        if not own:
            terminal.say(_("There is no text of your own here: all mails have the shipped texts."))
        for name in own:
            _show_difference(terminal, folder, name)
    elif kind is not None:
        _copy(terminal, folder, names[0])
    else:
        _list(terminal, folder, names)
    return ExitCode.OK


def _file_of(kind: str) -> str:
    """Return the file of a text that is named by its kind, in English or Dutch, or by its file."""
    known = shipped_templates()
    dutch = {rule.dutch: name for name, rule in RULES.items() if rule.dutch}
    word = kind.removeprefix("templates/")
    word = dutch.get(word.casefold(), word)
    for name in (word, f"{word}.md"):
        if name in known:
            return name
    fault = _('there is no shipped text "%(kind)s"') % {"kind": kind}
    stems = [name.removesuffix(".md") for name in known]
    raise UserError(Fault("", fault, suggestion(word, stems)), code=ExitCode.USAGE)


def _copy(terminal: Terminal, folder: WorkingFolder, name: str) -> None:
    path = folder.templates_dir / name
    if path.exists():
        fault = _("the folder has a text of its own already")
        remedy = _("edit that file; mkwmail template %(name)s --diff shows what it changes")
        place = folder.shown(path)
        raise user_error(place, fault, remedy, code=ExitCode.USAGE, name=name.removesuffix(".md"))
    try:
        path.parent.mkdir(exist_ok=True)
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(own_copy(name, _shipped_text(name)))
    except OSError as error:
        raise user_error(folder.shown(path), _("cannot be written: %(why)s"), why=reason_of(error)) from None
    terminal.say(
        _("Wrote %(file)s: edit it; from now on it takes the place of the shipped text.") % {"file": folder.shown(path)}
    )
    terminal.say(_("To go back to the shipped text: remove the file."))


def _shipped_text(name: str) -> str:
    return (shipped("templates") / name).read_text(encoding="utf-8")


def _show_difference(terminal: Terminal, folder: WorkingFolder, name: str) -> None:
    path: Path = folder.templates_dir / name
    try:
        own = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise user_error(folder.shown(path), _("the file is not UTF-8")) from None
    before, now = _shipped_text(name).splitlines(), without_note(own).splitlines()
    lines = list(difflib.unified_diff(before, now, _("shipped"), folder.shown(path), lineterm="", n=2))
    if not lines:
        terminal.say(_("%(file)s is the same as the shipped text.") % {"file": folder.shown(path)})
    for line in lines:
        if line.startswith(("+++", "---")):
            terminal.say(line, "bold")
        elif line.startswith(("+", "-")):
            terminal.say(line, "good" if line.startswith("+") else "bad")
        else:
            terminal.say(line)


def _list(terminal: Terminal, folder: WorkingFolder, names: list[str]) -> None:
    own = {name for name in names if (folder.templates_dir / name).is_file()}
    terminal.say(_("Texts of mails that you can have your own version of:"))
    width = max(map(len, names)) + 2
    for name in names:
        whose = _("own") if name in own else _("shipped")
        terminal.say(f"  {name.removesuffix('.md'):<{width}}{whose}")
    terminal.say(_("To copy one: mkwmail template KIND; to see what yours change: mkwmail template --diff"))
