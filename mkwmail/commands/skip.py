"""``skip``: who is not to be mailed, whatever a fresh list says."""

from mkwmail.commands.answers import candidates
from mkwmail.commands.invocation import Invocation
from mkwmail.commands.who import find_person
from mkwmail.commands.workplace import folder_of, listed, open_ledger, read_roll
from mkwmail.errors import ExitCode, Fault, UserError
from mkwmail.language import _
from mkwmail.ledger.records import LeftOut
from mkwmail.sources.event_file import read_event


def skip(
    invocation: Invocation, who: str, *, event: str | None = None, reason: str | None = None, undo: bool = False
) -> ExitCode:
    """Record that somebody is not to be mailed, about one event or at all; or that they are again.

    :raises UserError: code USAGE where nobody is meant, no reason is given, or nothing is to be undone.
    """
    if not undo and not (reason and reason.strip()):
        fault = _("why is %(who)s not to be mailed?") % {"who": who}
        remedy = _('add --reason "…": it is what `status` tells the board')
        raise UserError(Fault("", fault, remedy), code=ExitCode.USAGE)
    folder = folder_of(invocation)
    about = read_event(folder.event_path(event), folder).value.id if event is not None else ""
    now = invocation.clock.now()
    with open_ledger(invocation, folder) as ledger:
        roll = read_roll(folder, ledger)
        person = find_person(who, candidates(roll, ledger.persons()))
        # Who was never mailed is not in the register yet.
        ledger.enlist(listed(roll), now)
        ledger.leave_out(LeftOut(person.key, about, (reason or "").strip() or _("undone"), undo), now)
    words = {"person": person, "event": about, "reason": (reason or "").strip()}
    if undo:
        sentence = _("%(person)s is mailed again about %(event)s.") if about else _("%(person)s is mailed again.")
    elif about:
        sentence = _("%(person)s is not mailed about %(event)s any more: %(reason)s")
    else:
        sentence = _("%(person)s is not mailed any more: %(reason)s")
    invocation.terminal.say(sentence % words)
    return ExitCode.OK
