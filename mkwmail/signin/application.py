"""The application that signs in for a person, and what it is given."""

from dataclasses import dataclass

from mkwmail.signin.secret import Secret
from mkwmail.sources.settings import Smtp


@dataclass(frozen=True, slots=True)
class Application:
    """As which application, where, and for what somebody signs in; an address is empty where the provider has none.

    ``client_secret``: only of providers that give desktop programs one, as Google does; it is no proof of anything
    (RFC 8252 §8.5).
    """

    client_id: str
    client_secret: Secret | None
    authorize_url: str
    device_url: str
    token_url: str
    scopes: str
    username: str

    @classmethod
    def of(cls, smtp: Smtp, client_id: str, client_secret: Secret | None) -> "Application":
        """That of the settings, whose faults were told when they were read."""
        return cls(
            client_id,
            client_secret,
            smtp.authorize_url or "",
            smtp.device_url or "",
            smtp.token_url or "",
            smtp.scopes or "",
            smtp.username or "",
        )


@dataclass(frozen=True, slots=True)
class Issued:
    """What a provider issued. ``expires``: when the access token does, in seconds since 1970 by this computer's clock;
    ``refresh``: None where it gave none; ``account``: who signed in, where it says so."""

    access: Secret
    expires: float
    refresh: Secret | None
    account: str = ""
