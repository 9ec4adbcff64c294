"""Which mailing is meant where none is named: the one that is due."""

from collections.abc import Iterator
from datetime import datetime

from mkwmail.commands.workplace import Roll, plan_for
from mkwmail.errors import ExitCode, Fault, UserError
from mkwmail.language import _
from mkwmail.moments import day_and_time
from mkwmail.sending.plan import History
from mkwmail.sending.schedule import due_by_date, superseded
from mkwmail.sources.event import Event
from mkwmail.sources.kinds import in_order, mailing_named


def due_mailings(event: Event, roll: Roll, history: History, now: datetime) -> dict[str, int]:
    """The mailings whose moment has come and not passed, by date, each with how many would get it now."""
    due = due_by_date(event, now)
    over = superseded(event, due, history.deliveries)
    return {name: len(plan_for(event, name, roll, history, now).to_send) for name in due if name not in over}


def chosen_mailing(event: Event, named: str | None, roll: Roll, history: History, now: datetime, command: str) -> str:
    """The mailing that is named, or the one that is due.

    :raises UserError: code USAGE where there is no such mailing, or not exactly one is due.
    """
    if named is not None:
        mailing_named(event, named)
        return named
    current = due_mailings(event, roll, history, now)
    # Where everybody had all of them, it is said of the one.
    due = [name for name, left in current.items() if left] or list(current)
    if len(due) == 1:
        return due[0]
    if due:
        fault = _("more than one mailing is due: %(names)s") % {"names": ", ".join(due)}
    else:
        fault = _("no mailing is due now")
    choices = "\n".join(_choices(event, command)) or _("write a mailing in the event's file, under mailings:")
    raise UserError(Fault("", fault, choices), code=ExitCode.USAGE)


def _choices(event: Event, command: str) -> Iterator[str]:
    width = max(map(len, event.mailings), default=0)
    for name in in_order(event):
        send = event.mailings[name].send
        when = _("planned for %(moment)s") % {"moment": day_and_time(send)} if send else _("no date")
        yield f"mkwmail {command} {event.id} {name:<{width}}  # {when}"
