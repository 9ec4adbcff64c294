"""The language of the program's messages, and words for counts in them.

Messages in the source are whole English sentences with named places (``%(name)s``). They go through :func:`_`
or :func:`ngettext`; a catalogue in ``locale/`` holds the translations into another language.
"""

import gettext
import sys
from collections.abc import Iterable, Mapping, Sequence
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


def size(octets: int) -> str:
    """Return a size in words: ``120 kB``, ``3.4 MB``.

    The units are decimal, as in the limits of mail providers.
    """
    if octets < 1_000_000:
        return f"{max(1, round(octets / 1000))} kB"
    megabytes, tenth = divmod(round(octets / 100_000), 10)
    return _("%(megabytes)d.%(tenth)d MB") % {"megabytes": megabytes, "tenth": tenth}


def mails(count: int) -> str:
    """``43 mails``."""
    return ngettext("%(n)d mail", "%(n)d mails", count) % {"n": count}


def members(count: int) -> str:
    """``43 members``."""
    return ngettext("%(n)d member", "%(n)d members", count) % {"n": count}


def some(names: Sequence[str], shown: int = 3) -> str:
    """The first names of a list, and how many more there are.

    >>> some(["An", "Bo", "Cy", "Di", "Ed"])
    'An, Bo, Cy and 2 more'
    """
    if len(names) <= shown + 1:
        return ", ".join(names)
    rest = len(names) - shown
    more = ngettext("and %(n)d more", "and %(n)d more", rest) % {"n": rest}
    return f"{', '.join(names[:shown])} {more}"


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that is most like ``word``; None if none is.

    The word is returned as it is written in ``known``.
    """
    # Only a mistyped word needs it.
    from difflib import get_close_matches

    folded: dict[str, str] = {}
    for name in known:
        folded.setdefault(name.casefold().replace("-", "_"), name)
    found = get_close_matches(word.casefold().replace("-", "_"), folded, n=1, cutoff=0.6)
    return folded[found[0]] if found else None


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return a question that suggests the most similar known word.

    If no known word is similar, list all of them to choose from; empty if there are none.
    """
    names = list(dict.fromkeys(known))
    near = nearest(word, names)
    if near is not None:
        return _('did you mean "%(name)s"?') % {"name": near}
    return _("choose from: %(names)s") % {"names": ", ".join(names)} if names else ""
