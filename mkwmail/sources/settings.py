"""mkwmail.yaml: the working folder's settings. No secret is in it."""

from datetime import time, timedelta
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Mailbox(_Part):
    """A name and an address."""

    name: str
    email: str


class Security(StrEnum):
    """How the connection to the server is protected (RFC 8314)."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"  # loopback only


class Smtp(_Part):
    """The server that takes the mail (RFC 6409)."""

    host: str
    port: int = 587
    security: Security = Security.STARTTLS
    username: str | None = None
    password_command: str | None = None
    password_file: str | None = None


class Pace(_Part):
    """How fast the server lets us go; None means no limit. Counted over runs."""

    connections: int = 1
    per_connection: int | None = None
    per_minute: int | None = None
    per_hour: int | None = None
    per_day: int | None = None
    batch: int | None = 50
    pause: timedelta = timedelta(0)


class Hours(_Part):
    """When ``due`` may mail."""

    start: time = Field(default=time(8), alias="from")
    end: time = Field(default=time(20), alias="to")
    days: Literal["working", "all"] = "working"


class Settings(_Part):
    """What the working folder says about the association, its sender and its server."""

    sender: Mailbox
    association: str = ""
    language: Literal["nl", "en"] | None = None
    reply_to: str | None = None
    report_to: str | None = None
    members: str = "leden.csv"
    form: Literal["je", "u"] = "u"
    logo: str | None = None
    provider: str | None = None
    smtp: Smtp | None = None
    pace: Pace = Pace()
    hours: Hours = Hours()
    keep: str = "12 months"
