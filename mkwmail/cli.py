"""The command line: parse it, call a command, exit with its code.

Slow imports are inside the commands, so that ``mkwmail --help`` and shell completion answer at once: the start
of this module imports only typer, the standard library and small modules of mkwmail.
"""

import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.exceptions import TyperException

from mkwmail import __version__
from mkwmail.cli_help import App, wrong_usage
from mkwmail.errors import ExitCode, UserError, user_error
from mkwmail.i18n import _

if TYPE_CHECKING:
    from mkwmail.commands.context import Invocation

app = App(
    name="mkwmail",
    help=_("Invite members to an event: write and send all of its mail from one event file and one member list."),
    epilog=_(
        "`mkwmail COMMAND --help` shows what a command does, with an example.\n"
        "The first steps, in the guide: mkwmail guide inloggen"
    ),
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _events(incomplete: str) -> list[tuple[str, str]]:
    from mkwmail.commands.words import event_words

    return event_words(incomplete)


def _mailings(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    from mkwmail.commands.words import mailing_words

    return mailing_words(str(ctx.params.get("event") or ""), incomplete)


def _option(name: str, help_text: str, *names: str, **more: Any) -> Any:
    return typer.Option(name, *names, help=help_text, **{"show_default": False, **more})


def _file_option(name: str, help_text: str) -> Any:
    return _option(name, help_text, metavar=_("FILE"))


def _argument(metavar: str, help_text: str, **more: Any) -> Any:
    return typer.Argument(metavar=metavar, help=help_text, show_default=False, **more)


def _whom(incomplete: str) -> list[tuple[str, str]]:
    from mkwmail.commands.words import member_words

    return member_words(incomplete)


def _whom_option(name: str, help_text: str) -> Any:
    return _option(name, help_text, metavar=_("WHO"), autocompletion=_whom)


def _answer_words(incomplete: str) -> list[tuple[str, str]]:
    from mkwmail.commands.words import answer_words

    return answer_words(incomplete)


def _details(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    from mkwmail.commands.words import detail_words

    return detail_words(str(ctx.params.get("event") or ""), incomplete)


def _chapters(incomplete: str) -> list[str]:
    from mkwmail.mail.pages import PAGES, SECTIONS

    return [each for each in (*SECTIONS, *PAGES) if each.startswith(incomplete)]


class Schema(StrEnum):
    """The files that have a JSON Schema."""

    EVENT = "event"
    SETTINGS = "settings"


_EVENT_WHOLE = _("The event: its id, or its file in events/.")
_EVENT_HELP = _("The event: its id, or its file in events/, or the beginning of either.")
# The parser fills in the event that is meant if none is named, so that the empty text never arrives.
EventArgument = Annotated[
    str,
    _argument(
        _("EVENT"),
        _("The event: the beginning of its id or file name will do. Without it, the only one to come."),
        autocompletion=_events,
        default_factory=str,
    ),
]
# A command that removes data wants the whole name.
WholeEvent = Annotated[str, _argument(_("EVENT"), _EVENT_WHOLE, autocompletion=_events)]
OptionalEvent = Annotated[str | None, _argument(_("EVENT"), _EVENT_HELP, autocompletion=_events)]
MailingArgument = Annotated[
    str, _argument(_("MAILING"), _("The mailing, as the event file names it."), autocompletion=_mailings)
]
OptionalMailing = Annotated[
    str | None,
    _argument(
        _("MAILING"),
        _("The mailing, as the event file names it; without it, the one that is due."),
        autocompletion=_mailings,
    ),
]
MailingsArgument = Annotated[
    list[str] | None,
    _argument(
        _("MAILING..."), _("The mailings, as the event file names them; without them, all."), autocompletion=_mailings
    ),
]
WhoArgument = Annotated[str, _argument(_("WHO"), _("An address, a name or a number."), autocompletion=_whom)]
JsonOption = Annotated[bool, _option("--json", _("One JSON document on standard output and nothing else."))]
YesOption = Annotated[bool, _option("--yes", _("Do not ask for confirmation (needed if there is no terminal)."))]

SkipFaultyOption = Annotated[bool, _option("--skip-faulty", _("Leave out the faulty rows of the member list."))]


def _say_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"mkwmail {__version__}")
        raise typer.Exit()


def _begin(ctx: typer.Context, quiet: bool = False) -> "Invocation":
    from mkwmail.commands.context import begin

    return begin(ctx.find_root().params["folder"], quiet)


def _finish(code: ExitCode) -> None:
    raise typer.Exit(int(code))


@app.callback(invoke_without_command=True)
def mkwmail(
    ctx: typer.Context,
    folder: Annotated[
        Path | None,
        _option(
            "--folder",
            _("The working folder; by default the current folder or the nearest one above it."),
            metavar=_("FOLDER"),
            envvar="MKWMAIL_FOLDER",
        ),
    ] = None,
    version: Annotated[
        bool, _option("--version", _("Show the version and exit."), is_eager=True, callback=_say_version)
    ] = False,
) -> None:
    if ctx.invoked_subcommand is None:
        from mkwmail.commands.desk import desk

        words, code = desk(_begin(ctx))
        while words:
            _carry_out(words, folder)
            words, code = desk(_begin(ctx))
        _finish(code)


def _carry_out(words: Sequence[str], folder: Path | None) -> None:
    """Carry out the command that the user chose at the desk; its faults do not end the program."""
    where = ("--folder", str(folder)) if folder else ()
    try:
        app([*where, *words], prog_name="mkwmail", standalone_mode=False)
    except UserError as error:
        _say_faults(error)
    except (typer.Abort, KeyboardInterrupt):
        pass  # the command said that it was interrupted


@app.command(
    help=_("""Make a new working folder, with commented examples to start from.

In a terminal it asks a few questions; nothing that already exists is overwritten.

\b
Example:
  mkwmail init directeurendagen""")
)
def init(
    ctx: typer.Context,
    folder: Annotated[Path, _argument(_("FOLDER"), _("The folder to make. Default: the current folder."))] = Path("."),
) -> None:
    from mkwmail.commands.setup import init as command

    _finish(command(_begin(ctx), folder))


@app.command(
    help=_("""Log in to the mail server once, and store the login on this computer.

It asks for what is missing, checks it with the server without sending anything, and stores it outside the working
folder: in the system's keyring if there is one, else in a file that only you can read. With auth: oauth in mkwmail.yaml
you sign in at Microsoft or Google instead, in a browser here or with a code on another device.

\b
Examples:
  mkwmail login
  mkwmail login --device
  mkwmail login --mailbox""")
)
def login(
    ctx: typer.Context,
    device: Annotated[bool, _option("--device", _("Sign in with a code, on any computer or telephone."))] = False,
    browser: Annotated[bool, _option("--browser", _("Sign in with a browser on this computer."))] = False,
    mailbox: Annotated[bool, _option("--mailbox", _("Log in to the mailbox too, for `mkwmail inbox`."))] = False,
) -> None:
    if device and browser:
        raise user_error(
            "", _("--device and --browser cannot be used together."), _("give one of the two"), code=ExitCode.USAGE
        )
    from mkwmail.commands.login import LoginOptions, login_mailbox
    from mkwmail.commands.login import login as command

    _finish((login_mailbox if mailbox else command)(_begin(ctx), LoginOptions(device, browser)))


@app.command(
    help=_("""Remove the stored login to the mail server.

It removes what `mkwmail login` keeps on this computer for the username and server of mkwmail.yaml.

\b
Example:
  mkwmail logout""")
)
def logout(ctx: typer.Context) -> None:
    from mkwmail.commands.login import logout as command

    _finish(command(_begin(ctx)))


@app.command(
    help=_("""Make an event file with an id of its own.

With --from it is a copy of an earlier event, comments included. Its dates move along, and mailings keep their weekday.

\b
Examples:
  mkwmail new Najaarsdag --date 2020-10-08
  mkwmail new Directeurendag --date 2021-04-15 --from directeurendag-2020""")
)
def new(
    ctx: typer.Context,
    title: Annotated[str, _argument(_("TITLE"), _("The event's title."))],
    date: Annotated[str, _option("--date", _("The day of the event: 2021-04-15."), metavar=_("DATE"))],
    source: Annotated[
        str | None, _option("--from", _("The earlier event to copy."), metavar=_("EVENT"), autocompletion=_events)
    ] = None,
) -> None:
    from mkwmail.commands.setup import new as command

    _finish(command(_begin(ctx), title, date, source))


@app.command(
    help=_("""Change a detail of an event, in its file; your comments stay.

WHAT is date, time, starts, ends, place, street, city, deadline, points, or a mailing: then VALUE is when it is sent. It
shows what follows: who was told something else, and what has to be approved again.

\b
Examples:
  mkwmail change directeurendag-2020 starts 13.30
  mkwmail change directeurendag-2020 place De Kas
  mkwmail change directeurendag-2020 reminder 2020-03-24""")
)
def change(
    ctx: typer.Context,
    event: EventArgument,
    what: Annotated[str, _argument(_("WHAT"), _("Which detail."), autocompletion=_details)],
    value: Annotated[list[str], _argument(_("VALUE..."), _("The new value."))],
) -> None:
    from mkwmail.commands.folder_files import change as command

    _finish(command(_begin(ctx), event, what, " ".join(value)))


@app.command(
    help=_("""Check everything that can be checked before sending.

It sends nothing. It checks files, templates for every member, weekdays, deadlines, empty fields, sizes and
links, and compares the member list with that of the previous mailing.

\b
Example:
  mkwmail check directeurendag-2020 --server""")
)
def check(
    ctx: typer.Context,
    event: EventArgument,
    server: Annotated[
        bool, _option("--server", _("Also log in to the mail server, without sending anything."))
    ] = False,
    dns: Annotated[bool, _option("--dns", _("Also look up SPF, DKIM and DMARC of the sender's domain."))] = False,
    dkim: Annotated[
        str | None, _option("--dkim", _("The name of the domain's DKIM key, with --dns."), metavar="SELECTOR")
    ] = None,
    salutations: Annotated[bool, _option("--salutations", _("List how everybody is addressed."))] = False,
    skip_faulty: SkipFaultyOption = False,
    json: JsonOption = False,
) -> None:
    from mkwmail.commands.check import CheckOptions
    from mkwmail.commands.check import check as command

    options = CheckOptions(server, dns or dkim is not None, dkim, salutations)
    _finish(command(_begin(ctx), event, options, skip_faulty=skip_faulty, json=json))


@app.command(
    help=_("""Show the mails as they will be sent.

Earlier mailings are assumed to have been sent. Without --member: one mail of each variant.

\b
Examples:
  mkwmail preview directeurendag-2020 invitation --member "Kim Verbeek"
  mkwmail preview directeurendag-2020 invitation --browser""")
)
def preview(
    ctx: typer.Context,
    event: EventArgument,
    mailing: OptionalMailing = None,
    member: Annotated[
        str | None, _whom_option("--member", _("Only this member's mail: an address, a name or a number."))
    ] = None,
    eml: Annotated[
        Path | None, _option("--eml", _("Write every mail as an .eml file in this folder."), metavar=_("FOLDER"))
    ] = None,
    html: Annotated[
        Path | None, _file_option("--html", _("Write a page to leaf through all mails in a browser."))
    ] = None,
    browser: Annotated[bool, _option("--browser", _("Show that page in your browser at once."))] = False,
    paper: Annotated[
        Path | None,
        _file_option("--print", _("Write the letters to print for members without a mail address, a page for each.")),
    ] = None,
    one_per_letter: Annotated[
        bool, _option("--one-per-letter", _("One mail of each variant in the page, without names: to share it."))
    ] = False,
    sent: Annotated[
        bool, _option("--sent", _("Show what the member given with --member was sent, even if it has changed since."))
    ] = False,
    json: JsonOption = False,
) -> None:
    if sent:
        if not (mailing and member) or html or browser or paper or one_per_letter:
            raise user_error("--sent", _("use it with MAILING and --member"), code=ExitCode.USAGE)
        from mkwmail.commands.preview import preview_sent

        _finish(preview_sent(_begin(ctx), event, mailing, member, eml=eml, json=json))
    from mkwmail.commands.preview import PreviewFiles
    from mkwmail.commands.preview import preview as command

    files = PreviewFiles(eml, html, paper, browser, one_per_letter)
    _finish(command(_begin(ctx), event, mailing, member=member, files=files, json=json))


@app.command(
    help=_("""Send one mail of each variant to yourself, or to the chair.

The subject begins with [PROEF], its links sign nobody up, and nothing is recorded.

\b
Example:
  mkwmail proof directeurendag-2020 invitation secretaris@example.org""")
)
def proof(
    ctx: typer.Context,
    event: EventArgument,
    mailing: MailingArgument,
    addresses: Annotated[list[str], _argument(_("ADDRESS..."), _("Who gets the proof."))],
    yes: YesOption = False,
) -> None:
    from mkwmail.commands.rehearse import proof as command

    _finish(command(_begin(ctx), event, mailing, tuple(addresses), yes=yes))


@app.command(
    help=_("""Send a mailing, once to each member.

Shows who gets what and asks for confirmation. Nobody is mailed twice, whatever was sent or interrupted before:
sending again continues with those who have not had it yet.

\b
Examples:
  mkwmail send directeurendag-2020 invitation --dry-run
  mkwmail send directeurendag-2020 invitation --rehearse
  mkwmail send directeurendag-2020 invitation""")
)
def send(
    ctx: typer.Context,
    event: EventArgument,
    mailing: OptionalMailing = None,
    dry_run: Annotated[bool, _option("--dry-run", _("Show the plan and the mails, and send nothing."))] = False,
    rehearse: Annotated[
        bool,
        _option(
            "--rehearse", _("Rehearse: send all mails to a server inside this program; they end up in rehearsal/.")
        ),
    ] = False,
    browser: Annotated[
        bool, _option("--browser", _("With --rehearse: show all of them in your browser at once."))
    ] = False,
    limit: Annotated[int | None, _option("--limit", _("Send at most N mails in this run."), metavar="N", min=1)] = None,
    yes: YesOption = False,
    skip_faulty: SkipFaultyOption = False,
    json: JsonOption = False,
) -> None:
    if dry_run and rehearse:
        raise user_error(
            "", _("--dry-run and --rehearse cannot be used together."), _("give one of the two"), code=ExitCode.USAGE
        )
    if browser and not rehearse:
        fault = _("--browser shows the page of a rehearsal.")
        raise user_error("", fault, _("add --rehearse, or use preview --browser"), code=ExitCode.USAGE)
    from mkwmail.commands.send import SendOptions
    from mkwmail.commands.send import send as command

    options = SendOptions(limit=limit, yes=yes, skip_faulty=skip_faulty, json=json, browser=browser)
    if dry_run or rehearse:
        from mkwmail.commands.rehearse import dry_run as show
        from mkwmail.commands.rehearse import rehearse as practise

        _finish((show if dry_run else practise)(_begin(ctx), event, mailing, options))
    _finish(command(_begin(ctx), event, mailing, options))


@app.command(
    help=_("""Show the timetable of the mailings, and approve them as they are now.

An approved mailing is sent automatically on its date if `mkwmail due` runs: it asks whether to switch that on. Without
MAILING it approves all that can be sent automatically. update, correction and cancellation are sent by hand only.

\b
Examples:
  mkwmail schedule directeurendag-2020
  mkwmail schedule directeurendag-2020 reminder --withdraw
  mkwmail schedule directeurendag-2020 --install""")
)
def schedule(
    ctx: typer.Context,
    event: EventArgument,
    mailings: MailingsArgument = None,
    yes: YesOption = False,
    withdraw: Annotated[
        bool, _option("--withdraw", _("Take the approval back: they are not sent automatically."))
    ] = False,
    install: Annotated[bool, _option("--install", _("Put the line into your crontab, or renew it."))] = False,
    uninstall: Annotated[bool, _option("--uninstall", _("Take the line out of your crontab."))] = False,
    show: Annotated[bool, _option("--show", _("Show the line for the crontab."))] = False,
) -> None:
    if (install or yes) + uninstall + withdraw > 1:
        raise user_error(
            "", _("--withdraw and --uninstall cannot be combined with other options."), code=ExitCode.USAGE
        )
    from mkwmail.commands.schedule import ScheduleOptions
    from mkwmail.commands.schedule import schedule as command

    options = ScheduleOptions(yes, withdraw, install, uninstall, show)
    _finish(command(_begin(ctx), event, tuple(mailings or ()), options))


@app.command(
    help=_("""Send every approved mailing that is due and not done. For cron.

It retries what the server deferred, and prints nothing if there is nothing to report. It sends only within the hours
set in mkwmail.yaml. What needs your attention is reported at once and then once a day, here and by mail to report_to.

\b
Example:
  mkwmail due --dry-run""")
)
def due(
    ctx: typer.Context,
    dry_run: Annotated[
        bool, _option("--dry-run", _("Show what is sent in the next 30 days, and send nothing."))
    ] = False,
    json: JsonOption = False,
) -> None:
    from mkwmail.commands.due import due as command
    from mkwmail.commands.schedule import outlook

    if dry_run:
        _finish(outlook(_begin(ctx), json=json))
    _finish(command(_begin(ctx, quiet=True), json=json))


@app.command(
    help=_("""Show who got what, who did not, and why.

Without EVENT: all events.

\b
Examples:
  mkwmail status directeurendag-2020 --skipped
  mkwmail status directeurendag-2020 --html bestuur.html""")
)
def status(
    ctx: typer.Context,
    event: OptionalEvent = None,
    skipped: Annotated[bool, _option("--skipped", _("Name everybody who was skipped, with the reason."))] = False,
    calls: Annotated[
        bool, _option("--calls", _("List whom to telephone, the most urgent first, and who was called."))
    ] = False,
    certificates: Annotated[
        bool, _option("--certificates", _("List the certificates that were made: number, name and date."))
    ] = False,
    json: JsonOption = False,
    csv: Annotated[Path | None, _file_option("--csv", _("Write a table for Excel: one row for each mail."))] = None,
    html: Annotated[
        Path | None, _file_option("--html", _("Write a page for the board, to print: no addresses."))
    ] = None,
) -> None:
    if certificates:
        from mkwmail.commands.papers import list_certificates

        _finish(list_certificates(_begin(ctx), event, json=json))
    from mkwmail.commands.status import status as command

    _finish(command(_begin(ctx), event, skipped=skipped, calls=calls, json=json, csv=csv, html=html))


@app.command(
    help=_("""Decide about mails in doubt: sent, or send again.

A mail is in doubt if the server may or may not have taken it; it is never sent again unless you decide so. In a
terminal it asks about each. For a refused mail it shows what the server means, and the row of the list to correct. To
take a mistaken decision back, name the member under the other option.

\b
Examples:
  mkwmail resolve directeurendag-2020
  mkwmail resolve directeurendag-2020 --sent kim@example.org --send-again "Jan de Vries\"""")
)
def resolve(
    ctx: typer.Context,
    event: EventArgument,
    sent: Annotated[list[str] | None, _whom_option("--sent", _("This member has the mail. May be repeated."))] = None,
    send_again: Annotated[
        list[str] | None, _whom_option("--send-again", _("The next `send` mails this member again. May be repeated."))
    ] = None,
) -> None:
    from mkwmail.commands.bounces import resolve as command

    _finish(command(_begin(ctx), event, sent=tuple(sent or ()), send_again=tuple(send_again or ())))


@app.command(
    help=_("""Copy a shipped text of a mail to your folder, to make it your own.

Without KIND: list the texts. KIND is a kind of mailing, or one of the texts that all mails share, such as signature.
With --diff: show what your own texts change.

\b
Examples:
  mkwmail template invitation
  mkwmail template --diff""")
)
def template(
    ctx: typer.Context,
    kind: Annotated[str | None, _argument(_("KIND"), _("Which text, such as invitation."))] = None,
    diff: Annotated[bool, _option("--diff", _("Show what your own texts change."))] = False,
) -> None:
    from mkwmail.commands.folder_files import template as command

    _finish(command(_begin(ctx), kind, diff=diff))


@app.command(
    help=_("""Write the calendar entry for the association's website.

It is the entry that members get, without anybody's own link. Without FILE: on standard output.

\b
Example:
  mkwmail calendar directeurendag-2020 directeurendag.ics""")
)
def calendar(
    ctx: typer.Context,
    event: EventArgument,
    file: Annotated[Path | None, _argument(_("FILE"), _("The .ics file to write."))] = None,
) -> None:
    from mkwmail.commands.folder_files import calendar as command

    _finish(command(_begin(ctx), event, file))


class Paper(StrEnum):
    """The papers that ``papers`` makes."""

    CERTIFICATES = "certificates"
    SIGN_IN = "sign-in"
    PARTICIPANTS = "participants"
    BADGES = "badges"
    CATERER = "caterer"


@app.command(
    help=_("""Make certificates, and sheets for the day, as PDF files in papers/.

Certificates are for those recorded as present; they are attached to the thanks too. Before the day it is an example.
The sheets are: sign-in, participants, badges, caterer. No mail address is on any of them. Without PAPER: all sheets.

\b
Examples:
  mkwmail papers directeurendag-2020 sign-in
  mkwmail papers directeurendag-2020 certificates --member "Jan de Vries\"""")
)
def papers(
    ctx: typer.Context,
    event: EventArgument,
    paper: Annotated[
        Paper | None, _argument(_("PAPER"), _("certificates, sign-in, participants, badges or caterer."))
    ] = None,
    member: Annotated[
        str | None, _whom_option("--member", _("Only this person's certificate: a name or an address."))
    ] = None,
) -> None:
    from mkwmail.commands.papers import papers as command

    _finish(command(_begin(ctx), event, paper.value if paper else None, member=member))


answers = App(help=_("Record and list who comes."), no_args_is_help=True)
app.add_typer(answers, name="answers")


@answers.command(
    "import",
    help=_("""Read a sign-up form's export, or what members' calendars answered.

FILE is an export (CSV or .xlsx, whatever its headings), a mail (.eml, or Outlook's .msg), a calendar file (.ics), or a
folder of mails and calendar files. Import a newer export as often as you like: only what is new in it is recorded, and
a later answer is kept. It first shows what it would record, asks about what is doubtful, and records nothing until you
confirm. To take an import back: mkwmail answers undo.

\b
Examples:
  mkwmail answers import directeurendag-2020 aanmeldingen.csv
  mkwmail answers import directeurendag-2020 aanmeldingen.csv --dry-run
  mkwmail answers import directeurendag-2020 antwoorden"""),
)
def answers_import(
    ctx: typer.Context,
    event: EventArgument,
    file: Annotated[Path, _argument(_("FILE"), _("An export, a mail, a calendar file or a folder of mails."))],
    dry_run: Annotated[bool, _option("--dry-run", _("Show what would be recorded; record nothing."))] = False,
    yes: Annotated[bool, _option("--yes", _("Do not ask. Refused if no column shows who comes."))] = False,
) -> None:
    from mkwmail.commands.answers import import_answers as command

    _finish(command(_begin(ctx), event, file, dry_run=dry_run, yes=yes))


@answers.command(
    "set",
    help=_("""Record what a member said, or whether they were there.

Without ANSWER it asks what was said by telephone: the answer, optional parts, companions, dietary wishes and a note.
Press Enter to skip a question. Who is not in the list can be added as a guest.

\b
Examples:
  mkwmail answers set directeurendag-2020 "Kim Verbeek" ja
  mkwmail answers set directeurendag-2020 kim@example.org present
  mkwmail answers set directeurendag-2020 "K. Verbeek" --is kim@example.org"""),
)
def answers_set(
    ctx: typer.Context,
    event: EventArgument,
    who: WhoArgument,
    answer: Annotated[
        str | None,
        _argument(
            _("ANSWER"),
            _("attending (ja), declined (nee), tentative (misschien), present or absent."),
            autocompletion=_answer_words,
        ),
    ] = None,
    member: Annotated[
        str | None, _option("--is", _("The member who this guest, or this sign-up, is."), metavar=_("MEMBER"))
    ] = None,
    remove: Annotated[
        bool, _option("--remove", _("Remove a guest, or ignore a sign-up: a test, or a mistake."))
    ] = False,
) -> None:
    from mkwmail.commands.spoken_answers import set_answer as command

    _finish(command(_begin(ctx), event, who, answer, member=member, remove=remove))


@answers.command(
    "undo",
    help=_("""Take back the last import of answers, or the last `answers set`.

An answer that came later stays. Run the command again to take back the one before.

\b
Example:
  mkwmail answers undo directeurendag-2020"""),
)
def answers_undo(ctx: typer.Context, event: EventArgument) -> None:
    from mkwmail.commands.spoken_answers import undo_answers as command

    _finish(command(_begin(ctx), event))


@answers.command(
    "list",
    help=_("""Show who is coming, and which answers need a look.

With --csv the whole list goes to a file for Excel: change the column of answers there and import the file
again.

\b
Examples:
  mkwmail answers list directeurendag-2020
  mkwmail answers list directeurendag-2020 --csv aanwezig.csv"""),
)
def answers_list(
    ctx: typer.Context,
    event: EventArgument,
    json: JsonOption = False,
    csv: Annotated[Path | None, _file_option("--csv", _("Write the list for Excel, to edit and import again."))] = None,
) -> None:
    from mkwmail.commands.answers import list_answers as command

    _finish(command(_begin(ctx), event, json=json, csv=csv))


@app.command(
    help=_("""Read the mailbox: answers, delivery reports and replies.

Only mail that refers to yours is fetched. Nothing is marked, moved or deleted. In a terminal it goes through the
replies that people wrote, one by one.

\b
Examples:
  mkwmail inbox
  mkwmail inbox directeurendag-2020 --dry-run""")
)
def inbox(
    ctx: typer.Context,
    event: OptionalEvent = None,
    dry_run: Annotated[bool, _option("--dry-run", _("Show what would be recorded; record nothing."))] = False,
    json: JsonOption = False,
) -> None:
    from mkwmail.commands.inbox import inbox as command

    _finish(command(_begin(ctx), event, dry_run=dry_run, json=json))


bounces = App(help=_("Record what came back undelivered."), no_args_is_help=True)
app.add_typer(bounces, name="bounces")


@bounces.command(
    "import",
    help=_("""Read saved delivery reports: who was not reached, and why.

FILE is a mail (.eml, or Outlook's .msg), an mbox file, or a folder of mails. What people write, and out-of-office
notes, are listed and never counted. Correct an address that is wrong in the member list: that member then gets the
mailing. A file that cannot be read is named, and does not stop the others.

\b
Example:
  mkwmail bounces import directeurendag-2020 teruggekomen"""),
)
def bounces_import(
    ctx: typer.Context,
    event: EventArgument,
    files: Annotated[list[Path], _argument(_("FILE..."), _("Saved mails, or folders of them."))],
) -> None:
    from mkwmail.commands.bounces import import_bounces as command

    _finish(command(_begin(ctx), event, tuple(files)))


@bounces.command(
    "set",
    help=_("""Record by hand that the last mail to a member came back.

\b
Example:
  mkwmail bounces set directeurendag-2020 kim@example.org"""),
)
def bounces_set(ctx: typer.Context, event: EventArgument, who: WhoArgument) -> None:
    from mkwmail.commands.bounces import set_bounce as command

    _finish(command(_begin(ctx), event, who))


@app.command(
    help=_("""Skip a person from now on, also in a new member list.

Without --event: of every event. `status --skipped` shows the reason to the board.

\b
Examples:
  mkwmail skip "Kim Verbeek" --reason "met pensioen"
  mkwmail skip kim@example.org --event directeurendag-2020 --reason "organiseert mee"
  mkwmail skip "Kim Verbeek" --undo""")
)
def skip(
    ctx: typer.Context,
    who: WhoArgument,
    event: Annotated[
        str | None, _option("--event", _("Only about this event."), metavar=_("EVENT"), autocompletion=_events)
    ] = None,
    reason: Annotated[str | None, _option("--reason", _("Why."), metavar=_("TEXT"))] = None,
    undo: Annotated[bool, _option("--undo", _("Mail this person again."))] = False,
) -> None:
    from mkwmail.commands.privacy import skip as command

    _finish(command(_begin(ctx), who, event=event, reason=reason, undo=undo))


@app.command(
    help=_("""Show everything that is stored about a person.

For a person who asks what you store about them (GDPR, article 15; AVG): the row in the member list, mails, answers,
sign-ups, calls and decisions. Names and addresses of others are left out.

\b
Examples:
  mkwmail about kim@example.org
  mkwmail about "Kim Verbeek" --html over-kim.html""")
)
def about(
    ctx: typer.Context,
    who: WhoArgument,
    html: Annotated[Path | None, _file_option("--html", _("Write it as a page to send to the person."))] = None,
) -> None:
    from mkwmail.commands.privacy import about as command

    _finish(command(_begin(ctx), who, html=html))


@app.command(
    help=_("""Remove what is known about a person.

It removes name, address and number, and what was mailed and answered, in all events. Only a keyed hash stays, which
identifies nobody, so that nothing is mailed twice. If somebody only wants no more mail, use `skip`. Delete the row in
the member list yourself.

\b
Example:
  mkwmail forget kim@example.org""")
)
def forget(ctx: typer.Context, who: WhoArgument, yes: YesOption = False) -> None:
    from mkwmail.commands.privacy import forget as command

    _finish(command(_begin(ctx), who, yes=yes))


@app.command(
    help=_("""Remove the personal data of a past event.

It removes sign-ups, answers, dietary wishes and the mails that were sent; counts stay. `status` suggests it when the
time set by `keep` in mkwmail.yaml is over.

\b
Examples:
  mkwmail purge directeurendag-2020 --dietary
  mkwmail purge directeurendag-2020""")
)
def purge(
    ctx: typer.Context,
    event: WholeEvent,
    dietary: Annotated[bool, _option("--dietary", _("Remove only the dietary wishes."))] = False,
    yes: YesOption = False,
) -> None:
    from mkwmail.commands.privacy import purge as command

    _finish(command(_begin(ctx), event, dietary=dietary, yes=yes))


@app.command(
    help=_("""Put a backup of the ledger back.

Without FILE: the newest one in backups/. If the ledger can be read, everything that was sent stays as it is, and only
answers and decisions become what they were. If it is gone, damaged or an older copy, the backup takes its place; if
mail may have been sent since, it is in doubt for everybody who may have got it.

\b
Examples:
  mkwmail restore
  mkwmail restore backups/mkwmail-1a2b3c4d-2020-02-17-090000.db""")
)
def restore(
    ctx: typer.Context,
    file: Annotated[Path | None, _argument(_("FILE"), _("The backup; without it, the newest."))] = None,
    yes: YesOption = False,
) -> None:
    from mkwmail.commands.restore import restore as command

    _finish(command(_begin(ctx), file, yes=yes))


@app.command(
    "open",
    help=_("""Open the folder, the member list, the settings or an event in its own program.

Without WHAT: the working folder. WHAT is members, settings or an event.

\b
Examples:
  mkwmail open members
  mkwmail open directeurendag-2020"""),
)
def open_(
    ctx: typer.Context,
    what: Annotated[
        str | None, _argument(_("WHAT"), _("members, settings, or an event."), autocompletion=_events)
    ] = None,
) -> None:
    from mkwmail.commands.folder_files import open_it as command

    _finish(command(_begin(ctx), what))


@app.command(
    help=_("""Show the guide in your browser. It is in Dutch.

\b
Examples:
  mkwmail guide
  mkwmail guide ledenlijst
  mkwmail guide microsoft365""")
)
def guide(
    ctx: typer.Context,
    chapter: Annotated[
        str | None,
        _argument(_("CHAPTER"), _("A chapter of it, such as ledenlijst or misgaat."), autocompletion=_chapters),
    ] = None,
) -> None:
    from mkwmail.commands.folder_files import guide as command

    _finish(command(_begin(ctx), chapter))


@app.command(
    help=_("""Hand the working folder over to another computer, in one file.

From then on nothing is sent from here. The file has everything except the login, backups and rehearsals; on the other
computer `mkwmail takeover` opens it. --undo opens the folder here again, if nobody took it over.

\b
Example:
  mkwmail handover overdracht.mkwmail""")
)
def handover(
    ctx: typer.Context,
    file: Annotated[Path | None, _argument(_("FILE"), _("The file to write."))] = None,
    undo: Annotated[bool, _option("--undo", _("Send from this folder again; asks first."))] = False,
    yes: YesOption = False,
) -> None:
    if (file is None) != undo or (undo and yes):
        fault = _("handover takes a FILE, or --undo alone")
        raise user_error("", fault, "mkwmail handover overdracht.mkwmail", code=ExitCode.USAGE)
    if file is None:
        from mkwmail.commands.handover import undo as undo_command

        _finish(undo_command(_begin(ctx)))
    else:
        from mkwmail.commands.handover import handover as command

        _finish(command(_begin(ctx), file, yes=yes))


@app.command(
    help=_("""Take a working folder over from another computer.

It makes a folder of the file that `mkwmail handover` wrote, in the current folder, and mail is sent from there from
then on. --folder before the command names another place.

\b
Example:
  mkwmail takeover overdracht.mkwmail""")
)
def takeover(
    ctx: typer.Context,
    file: Annotated[Path, _argument(_("FILE"), _("The file that was handed over."))],
    yes: YesOption = False,
) -> None:
    from mkwmail.commands.handover import takeover as command

    _finish(command(_begin(ctx), file, yes=yes))


@app.command(
    help=_("""Print the JSON Schema of the files, for an editor.

With it an editor completes and checks event files and mkwmail.yaml while you type.

\b
Example:
  mkwmail schema event > event.schema.json""")
)
def schema(
    ctx: typer.Context,
    which: Annotated[Schema, typer.Argument(metavar="event|settings", help=_("Which file's schema."))] = Schema.EVENT,
) -> None:
    from mkwmail.commands.setup import schema as command

    _finish(command(_begin(ctx), which.value))


def main() -> None:
    """Run the program, and exit with its code.

    Only this function prints faults and turns them into the exit code. An exception that it does not catch is a
    bug in mkwmail; only a bug gives a traceback.
    """
    try:
        sys.exit(app(prog_name="mkwmail", standalone_mode=False))
    except UserError as error:
        _refuse(error)
    except typer.Abort:
        sys.exit(int(ExitCode.INTERRUPTED))
    except TyperException as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            print(error, file=sys.stderr)
            sys.exit(int(ExitCode.USAGE))
        _refuse(wrong_usage(error))


def _refuse(error: UserError) -> NoReturn:
    _say_faults(error)
    sys.exit(int(error.code))


def _say_faults(error: UserError) -> None:
    from mkwmail.report.terminal import Terminal, fault_lines

    terminal = Terminal()
    for line in fault_lines(error.faults):
        terminal.note(line, "" if line.startswith(" ") else "bad")
    chapter = _chapter_about(error)
    if chapter and terminal.interactive:
        terminal.note(_("In the guide: mkwmail guide %(chapter)s") % {"chapter": chapter}, "dim")


def _chapter_about(error: UserError) -> str:
    """Return the guide's chapter about what is wrong; empty if none is about that."""
    match error.code:
        case ExitCode.LOGIN:
            return "inloggen"
        case ExitCode.SERVER | ExitCode.LEDGER_HELD | ExitCode.LEDGER_FAULT:
            return "misgaat"
        case ExitCode.FAULTY_FILE if any(".csv:" in each.place or ".xlsx:" in each.place for each in error.faults):
            return "ledenlijst"
        case ExitCode.FAULTY_FILE:
            return "vooraankondiging"
        case _:
            return ""
