"""Forms of address: whether a Dutch text says je or u."""

import re
from collections.abc import Mapping

from mkwmail.dutch.names import Form

_FORMS: dict[str, Form] = {
    **dict.fromkeys(("je", "jij", "jou", "jouw", "jouwe", "jezelf", "jouzelf", "jullie"), "je"),
    **dict.fromkeys(("u", "uw", "uwe", "uzelf"), "u"),
}
# Links and addresses are not prose.
_LINK = re.compile(r"\b(?:https?://|www\.|mailto:)\S+|(?<!\S)[^\s@]+@\S+", re.IGNORECASE)
_WORD = re.compile(r"\b[^\W\d_]+(?:['’-][^\W\d_]+)*\b")
# "13.00 u" is an hour, not a person.
_HOUR = re.compile(r"\d\s?u\b", re.IGNORECASE)


def forms_in(text: str) -> Mapping[Form, tuple[str, ...]]:
    """The forms of address that a text uses, each with the words that show it, once each, in lower case.

    Both keys: the text mixes them. "je" may also be nobody in particular ("zoals je vaak ziet"), which no program
    can tell apart: a mixture is worth a warning, not a refusal.
    """
    prose = _HOUR.sub(" ", _LINK.sub(" ", text))
    found: dict[Form, dict[str, None]] = {}
    for word in _WORD.findall(prose):
        form = _FORMS.get(word.casefold())
        if form:
            found.setdefault(form, {})[word.casefold()] = None
    return {form: tuple(words) for form, words in found.items()}
