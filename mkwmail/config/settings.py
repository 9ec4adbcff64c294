"""Settings of the working folder, from mkwmail.yaml.

They contain no secret.
"""

import calendar
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from ipaddress import ip_address
from typing import Annotated, Literal

from pydantic import Field

from mkwmail.config.fields import (
    Address,
    ClockTime,
    Count,
    Duration,
    Folded,
    Line,
    OptionalAddress,
    OptionalCount,
    OptionalLine,
    Part,
    UnusableError,
    Word,
    from_text,
    nothing_is,
    or_nothing,
)
from mkwmail.dutch.parsing import read_duration, read_months
from mkwmail.i18n import _


class Mailbox(Part):
    """Name and mail address."""

    name: Line = Field(examples=["Lilian van Zandbrink"])
    email: Address = Field(examples=["secretaris@example.org"])


class Security(StrEnum):
    """Protection of the connection to the server (RFC 8314)."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"  # loopback only


class Auth(StrEnum):
    """Authentication to the server (RFC 4954)."""

    PASSWORD = "password"
    OAUTH = "oauth"  # RFC 6749: an access token takes the place of the password (RFC 7628)


class Smtp(Part):
    """Server that accepts the mail (RFC 6409)."""

    host: Line = Field(examples=["smtp.example.org"])
    port: Annotated[Count, Field(le=65535)] = Field(default=587, examples=["587"])
    security: Annotated[Security, Folded] = Field(default=Security.STARTTLS, examples=["starttls"])
    username: OptionalLine = None
    password_command: OptionalLine = None
    password_file: OptionalLine = None
    auth: Annotated[Auth, Folded] = Field(default=Auth.PASSWORD, examples=["oauth"])
    client_id: OptionalLine = None
    tenant: OptionalLine = None
    authorize_url: OptionalLine = None
    device_url: OptionalLine = None
    token_url: OptionalLine = None
    scopes: OptionalLine = None

    @property
    def on_loopback(self) -> bool:
        """True if the server is this computer, so that no mail leaves it."""
        return is_loopback(self.host)


def is_loopback(host: str) -> bool:
    """Return whether a host is this computer.

    That is ``localhost`` or a loopback address (RFC 6761 §6.3, RFC 5735 §3).

    >>> is_loopback("127.0.0.1"), is_loopback("smtp.example.org")
    (True, False)
    """
    name = host.casefold().rstrip(".").removeprefix("[").removesuffix("]")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


class Pace(Part):
    """Sending limits of the server; None means no limit.

    Mails are counted across runs.
    """

    connections: Count = 1
    per_connection: OptionalCount = None
    per_minute: OptionalCount = None
    per_hour: OptionalCount = None
    per_day: OptionalCount = None
    batch: OptionalCount = 50
    pause: Duration = Field(default=timedelta(0), examples=["0 s"])


class Hours(Part):
    """Hours in which ``due`` may send mail."""

    start: ClockTime = Field(default=time(8), alias="from", examples=["8.00"])
    end: ClockTime = Field(default=time(20), alias="to", examples=["20.00"])
    days: Annotated[Literal["working", "all"], Folded] = Field(default="working", examples=["working"])


@dataclass(frozen=True, slots=True)
class Keep:
    """Time for which an event's personal data are kept.

    It is in whole months or in days.
    """

    months: int = 0
    days: int = 0

    @classmethod
    def default(cls) -> "Keep":
        """Return the default: a year."""
        return cls(months=12)

    def until(self, moment: datetime) -> datetime:
        """Return the moment after which a purge is proposed.

        If its month has no such day, it is the last day of that month.
        """
        month = moment.month - 1 + self.months
        year, month = moment.year + month // 12, month % 12 + 1
        day = min(moment.day, calendar.monthrange(year, month)[1])
        return moment.replace(year=year, month=month, day=day) + timedelta(days=self.days)


def _keep(text: str) -> Keep:
    for unit, read in (("months", read_months), ("days", _days)):
        try:
            number = read(text)
        except ValueError:
            continue
        if number > 0:
            return Keep(**{unit: number})
    raise UnusableError(_('"%(text)s" is no number of months, years or days') % {"text": text}, "12 maanden")


def _days(text: str) -> int:
    return read_duration(text).days


class Settings(Part):
    """Settings of the association, its sender and its server."""

    sender: Mailbox
    association: Annotated[str, nothing_is(str), from_text(str)] = ""
    language: Annotated[Literal["nl", "en"] | None, or_nothing(str.casefold)] = Field(default=None, examples=["nl"])
    reply_to: OptionalAddress = None
    report_to: OptionalAddress = None
    members: Line = "leden.csv"
    form: Annotated[Literal["je", "u"], Folded] = Field(default="u", examples=["je"])
    logo: OptionalLine = None
    # The name of a column of the member list → its heading in that list.
    columns: Annotated[Mapping[str, Line], nothing_is(dict)] = Field(default_factory=dict)
    provider: Word = None
    smtp: Smtp | None = None
    pace: Annotated[Pace, nothing_is(Pace)] = Pace()
    hours: Annotated[Hours, nothing_is(Hours)] = Hours()
    keep: Annotated[Keep, from_text(_keep)] = Field(default=Keep.default(), examples=["12 maanden"])
