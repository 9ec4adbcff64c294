"""``calendar``: the entry for the association's website."""

import sys
from pathlib import Path

from mkwmail.commands.context import Invocation, folder_of, history_of, open_ledger
from mkwmail.commands.output import write_output
from mkwmail.config.event import Mailing
from mkwmail.config.event_file import read_event
from mkwmail.config.settings import read_settings
from mkwmail.errors import ExitCode
from mkwmail.i18n import _
from mkwmail.mail.calendar_part import entry_uid, website_entry
from mkwmail.mail.context import MailingContext
from mkwmail.mail.templates import Templates
from mkwmail.planning.facts import facts_of


def calendar(invocation: Invocation, event: str, file: Path | None) -> ExitCode:
    """Write the event's calendar entry to a file or standard output.

    :raises UserError: if a source is faulty, or the file cannot be written.
    """
    folder = folder_of(invocation)
    settings = read_settings(folder)
    about = read_event(folder.event_path(event), folder).value
    with open_ledger(invocation, folder) as ledger:
        history = history_of(ledger, about)
        cancelled = history.cancelled is not None
        context = MailingContext(
            event=about,
            name="",
            mailing=Mailing(),
            template="",
            settings=settings,
            uid=entry_uid(ledger.secret, about.id),
            sequence=history.telling.version_of(facts_of(about, cancelled)),
            cancelled=cancelled,
        )
    templates = Templates(folder.template_folders)
    data = website_entry(context, templates, invocation.clock.now())
    if file is None:
        sys.stdout.buffer.write(data)
        return ExitCode.OK
    write_output(folder, file, data, f"{about.id}.ics")
    invocation.terminal.note(_("Wrote %(file)s") % {"file": file})
    return ExitCode.OK
