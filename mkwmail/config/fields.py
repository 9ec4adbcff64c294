"""Field types that event and settings share: from text to value.

Every type also accepts the value itself, so that models can be made in code. Faults are ``ValueError`` with one plain
sentence; :class:`UnusableError` adds what to write instead.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from mkwmail.addresses import mailable
from mkwmail.clock import ZONE
from mkwmail.dutch.dates import read_duration, read_moment, read_time
from mkwmail.errors import Fault
from mkwmail.i18n import _

# The time that means the end of a day, if only its date is written.
END_OF_DAY = time(23, 59, 59)


class UnusableError(ValueError):
    """A value that cannot be used.

    ``remedy`` is the value to write instead; it may be empty.
    """

    def __init__(self, fault: str, remedy: str = "") -> None:
        super().__init__(fault)
        self.remedy = remedy


def from_text(read: Callable[[str], Any]) -> BeforeValidator:
    """Return a validator that reads texts and passes on other values."""

    def validate(value: Any) -> Any:
        return read(value.strip()) if isinstance(value, str) else value

    return BeforeValidator(validate)


def or_nothing(read: Callable[[str], Any]) -> BeforeValidator:
    """Return a validator like :func:`from_text`, but for optional values.

    A text that is empty or only white space becomes None.
    """

    def validate(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        return read(value.strip()) if value.strip() else None

    return BeforeValidator(validate)


def one_line(text: str) -> str:
    """Return the text on one line.

    Non-breaking spaces stay, because they were typed on purpose.
    """
    return re.sub(r"[ \t\n]+", " ", text)


def _filled(text: str) -> str:
    if not text:
        raise UnusableError(_("is empty"))
    return one_line(text)


def yes_or_no(text: str) -> bool:
    """Read a truth value, in any case.

    True: ``true``, ``ja``, ``yes``, ``waar``, ``aan``, ``on``. False: ``false``, ``nee``, ``no``, ``onwaar``, ``uit``,
    ``off``.

    :raises UnusableError: for any other text.
    """
    word = text.casefold()
    if word in ("true", "ja", "yes", "waar", "aan", "on"):
        return True
    if word in ("false", "nee", "no", "onwaar", "uit", "off"):
        return False
    raise UnusableError(_('"%(text)s" is neither true nor false') % {"text": text}, "true")


def _moment_with_time(text: str) -> datetime:
    moment = read_moment(text)
    if isinstance(moment, datetime):
        return moment
    raise UnusableError(_("the time of the day is missing"), f"{moment.isoformat()} 13:00")


def _day_alone(text: str) -> date:
    moment = read_moment(text)
    if isinstance(moment, datetime):
        raise UnusableError(_("write the day alone; the time has a key of its own"), f"{moment:%Y-%m-%d}")
    return moment


def _at(of_day: time) -> Callable[[str], datetime]:
    def read(text: str) -> datetime:
        moment = read_moment(text)
        return moment if isinstance(moment, datetime) else on_day(moment, of_day)

    return read


def on_day(day: date, of_day: time) -> datetime:
    """Return a time on a day, in Europe/Amsterdam."""
    return datetime.combine(day, of_day, tzinfo=ZONE)


def _seconds(text: str) -> int:
    return int(_not_negative(read_duration(text)).total_seconds())


def _not_negative(duration: timedelta) -> timedelta:
    if duration < timedelta(0):
        raise UnusableError(_("cannot be negative"))
    return duration


def _pe_points(text: str) -> bool | int | float | None:
    try:
        return True if yes_or_no(text) else None
    except UnusableError:
        pass
    points = _decimal(re.sub(r"\s*(?:pe[ -]?)?punt(?:en)?$", "", text, flags=re.IGNORECASE))
    if points is None:
        fault = _('"%(text)s" is not a number of points: write a number, or true if it is not known yet')
        raise UnusableError(fault % {"text": text}, "true")
    if points == 0:
        raise UnusableError(_("use false for no PE points"), "false")
    return points


def _number(text: str) -> int | float:
    number = _decimal(text)
    if not number:
        raise UnusableError(_('"%(text)s" is not a number such as 4 or 3,5') % {"text": text})
    return number


def _decimal(text: str) -> int | float | None:
    if not re.fullmatch(r"\d{1,3}(?:[.,]\d{1,2})?", text):
        return None
    number = float(text.replace(",", "."))
    return int(number) if number.is_integer() else number


def _pe_value(value: Any) -> Any:
    if value is False:
        return None
    return _pe_points(value.strip()) if isinstance(value, str) and value.strip() else value or None


def _address(text: str) -> str:
    try:
        return mailable(text)
    except ValueError as error:
        fault = _("%(address)s is not an address that can be mailed: %(reason)s")
        raise UnusableError(fault % {"address": text, "reason": str(error).rstrip(".")}) from None


def _count(text: str) -> int:
    if not re.fullmatch(r"\d{1,9}", text):
        raise UnusableError(_('"%(text)s" is not a whole number') % {"text": text})
    return int(text)


def several(value: Any) -> Any:
    """Return a list.

    An absent value becomes an empty list, and a single text a list of one.
    """
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else value


def nothing_is(default: Callable[[], Any]) -> BeforeValidator:
    """Return a validator that gives a key without a value its default."""

    def validate(value: Any) -> Any:
        return default() if value is None else value

    return BeforeValidator(validate)


Line = Annotated[str, from_text(_filled)]
OptionalLine = Annotated[str | None, or_nothing(one_line)]
Markdown = Annotated[str | None, or_nothing(str)]
Word = Annotated[str | None, or_nothing(str)]
YesNo = Annotated[bool, nothing_is(lambda: False), from_text(yes_or_no)]
ClockTime = Annotated[time, from_text(read_time)]
OptionalClockTime = Annotated[time | None, or_nothing(read_time)]
OptionalDay = Annotated[date | None, or_nothing(_day_alone)]
Moment = Annotated[datetime, from_text(_moment_with_time)]
StartOfDay = Annotated[datetime | None, or_nothing(_at(time(0)))]
EndOfDay = Annotated[datetime | None, or_nothing(_at(END_OF_DAY))]
Seconds = Annotated[int | None, or_nothing(_seconds)]
Duration = Annotated[timedelta, from_text(lambda text: _not_negative(read_duration(text)))]
PePoints = BeforeValidator(_pe_value)
OptionalNumber = Annotated[int | float | None, or_nothing(_number)]
Address = Annotated[str, from_text(_address)]
OptionalAddress = Annotated[str | None, or_nothing(_address)]
Addresses = Annotated[tuple[Address, ...], nothing_is(tuple), or_nothing(lambda text: (text,))]
Count = Annotated[int, from_text(_count), Field(gt=0)]
OptionalCount = Annotated[Annotated[int, Field(gt=0)] | None, or_nothing(_count)]
Lines = Annotated[tuple[Line, ...], BeforeValidator(several)]
Folded = from_text(str.casefold)


class StrictModel(BaseModel):
    """Frozen group of fields; an unknown key is a fault."""

    model_config = ConfigDict(frozen=True, extra="forbid")


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class WithWarnings(Generic[T]):
    """Value read from a file.

    ``warnings`` report oddities for which nothing is refused.
    """

    value: T
    warnings: tuple[Fault, ...] = ()
