"""The language of the program's messages to the user.

Messages in the source are whole English sentences with named places (``%(name)s``). They go through :func:`_`
or :func:`ngettext`; a catalogue in ``locale/`` holds the translations into another language.
"""

import gettext
import sys
from collections.abc import Mapping
from pathlib import Path

DOMAIN = "mkwmail"
LOCALE_DIR = Path(__file__).parent / "locale"
VARIABLE = "MKWMAIL_LANG"

_SPOKEN = ("nl", "en")

# In the same order as gettext itself (GNU gettext manual, "Locale Environment Variables").
_LOCALE_VARIABLES = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")

_catalogue: gettext.NullTranslations = gettext.NullTranslations()


def wanted(setting: str | None, environment: Mapping[str, str]) -> list[str]:
    """Return the languages that the user prefers, the most preferred first.

    An empty list means English. The setting is used before the variable MKWMAIL_LANG, and that variable before
    the environment's locale. A language that mkwmail does not speak is skipped; `check` reports it if it is in
    the settings.

    :param setting: ``language`` in the settings.
    """
    for chosen in (setting, environment.get(VARIABLE)):
        if chosen in _SPOKEN:
            return [chosen]
    for variable in _LOCALE_VARIABLES:
        if value := environment.get(variable):
            return value.split(":")
    return _of_the_system()


if sys.platform == "win32":
    import ctypes
    import locale

    def _of_the_system() -> list[str]:
        """Return the display language of Windows, which sets no variables for it."""
        language = ctypes.windll.kernel32.GetUserDefaultUILanguage()
        return [locale.windows_locale.get(language, "")]

else:

    def _of_the_system() -> list[str]:
        """Return nothing: other systems set the language in the variables."""
        return []


def speak(languages: list[str]) -> None:
    """Set the program's language to the first of these that it knows.

    It is English if the program knows none of them. Call this before any message is looked up, so before the
    command line is built.
    """
    global _catalogue
    known = languages[: languages.index("en")] if "en" in languages else languages
    _catalogue = gettext.translation(DOMAIN, localedir=LOCALE_DIR, languages=known, fallback=True)


def spoken() -> str:
    """Return the language that the program speaks: ``nl`` or ``en``."""
    return _catalogue.info().get("language", "en")


def _(message: str) -> str:
    """Return the message in the chosen language.

    Without a translation, it is the English text itself.
    """
    return _catalogue.gettext(message)


def ngettext(singular: str, plural: str, n: int) -> str:
    """Return the form for the number ``n`` in the chosen language."""
    return _catalogue.ngettext(singular, plural, n)
