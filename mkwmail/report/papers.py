"""The certificates that were made, for the terminal and as JSON."""

from collections.abc import Sequence

from mkwmail.clock import day_in_words
from mkwmail.config.event import Event
from mkwmail.i18n import _
from mkwmail.ledger.papers import KeptCertificate
from mkwmail.ledger.people import Person
from mkwmail.report.terminal import Terminal


def show_certificates(
    terminal: Terminal, event: Event, found: Sequence[tuple[KeptCertificate, Person]], *, json: bool
) -> None:
    """Print the certificates in this order, or one JSON document."""
    if json:
        values = [
            {"number": each.number, "name": person.name, "date": each.at.date().isoformat(), "sha256": each.sha256}
            for each, person in found
        ]
        terminal.document({"event": event.id, "certificates": values})
        return
    if not found:
        terminal.say(_("No certificates were made for %(event)s.") % {"event": event.id})
        return
    terminal.say(_("Certificates of %(title)s: %(n)d") % {"title": event.title, "n": len(found)}, "bold")
    rows = [[each.number, person.name, person.organisation, day_in_words(each.at)] for each, person in found]
    terminal.table([_("Number"), _("Name"), _("Organisation"), _("Made on")], rows)
