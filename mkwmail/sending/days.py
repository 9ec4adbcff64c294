"""Days as the person at the keyboard reads them, in the language of the program's own words."""

from datetime import datetime

from mkwmail.clock import ZONE
from mkwmail.language import _


def day_in_words(moment: datetime) -> str:
    """The day of a moment in Europe/Amsterdam: ``17 February 2020``."""
    local = moment.astimezone(ZONE)
    months = (
        *(_("January"), _("February"), _("March"), _("April"), _("May"), _("June")),
        *(_("July"), _("August"), _("September"), _("October"), _("November"), _("December")),
    )
    words = {"day": local.day, "month": months[local.month - 1], "year": local.year}
    return _("%(day)s %(month)s %(year)s") % words
