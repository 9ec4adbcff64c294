"""The language of the program's own words, for the person at the keyboard.

Messages are written in English in the source, whole sentences with named places (``%(name)s``), and go
through :func:`_` or :func:`ngettext`; a catalogue in ``locale/`` lays another language beside them.
"""

import gettext
import os
from pathlib import Path

DOMAIN = "mkwmail"
LOCALE_DIR = Path(__file__).parent / "locale"


def _wanted() -> list[str]:
    chosen = os.environ.get("MKWMAIL_LANG")
    if chosen:
        return [chosen]
    # The order in which gettext itself looks (GNU gettext manual, "Locale Environment Variables").
    for variable in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(variable)
        if value:
            return value.split(":")
    return []


_catalogue: gettext.NullTranslations = gettext.translation(
    DOMAIN, localedir=LOCALE_DIR, languages=_wanted(), fallback=True
)


def _(message: str) -> str:
    """The message in the chosen language; the English text itself where no translation is."""
    return _catalogue.gettext(message)


def ngettext(singular: str, plural: str, n: int) -> str:
    """The form that belongs to the number ``n`` in the chosen language."""
    return _catalogue.ngettext(singular, plural, n)
