"""The language of the program's own words, for the person at the keyboard.

Messages are written in English in the source, whole sentences with named places (``%(name)s``), and go
through :func:`_` or :func:`ngettext`; a catalogue in ``locale/`` lays another language beside them.
"""

import gettext
import sys
from collections.abc import Mapping
from pathlib import Path

DOMAIN = "mkwmail"
LOCALE_DIR = Path(__file__).parent / "locale"
VARIABLE = "MKWMAIL_LANG"

_SPOKEN = ("nl", "en")

# The order in which gettext itself looks (GNU gettext manual, "Locale Environment Variables").
_LOCALE_VARIABLES = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")

_catalogue: gettext.NullTranslations = gettext.NullTranslations()


def wanted(setting: str | None, environment: Mapping[str, str]) -> list[str]:
    """The languages asked for, the first that there is being chosen; none: English.

    ``setting``: the settings' ``language``, which goes before the variable MKWMAIL_LANG, and that before the
    environment's locale. What is no language of ours is passed over: `check` says so of the settings.
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
        """The language that Windows shows, which sets no variables for it."""
        language = ctypes.windll.kernel32.GetUserDefaultUILanguage()
        return [locale.windows_locale.get(language, "")]

else:

    def _of_the_system() -> list[str]:
        """Other systems say it in the variables."""
        return []


def speak(languages: list[str]) -> None:
    """Let the program speak the first of these languages that it knows; English where it knows none.

    To be called before what it says is looked up, so before the command line is built.
    """
    global _catalogue
    known = languages[: languages.index("en")] if "en" in languages else languages
    _catalogue = gettext.translation(DOMAIN, localedir=LOCALE_DIR, languages=known, fallback=True)


def spoken() -> str:
    """The language that the program speaks: ``nl``, ``en``."""
    return _catalogue.info().get("language", "en")


def _(message: str) -> str:
    """The message in the chosen language; the English text itself where no translation is."""
    return _catalogue.gettext(message)


def ngettext(singular: str, plural: str, n: int) -> str:
    """The form that belongs to the number ``n`` in the chosen language."""
    return _catalogue.ngettext(singular, plural, n)
