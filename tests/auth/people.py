"""Somebody who signs in, for tests."""

from mkwmail.auth.credentials import Secret
from mkwmail.auth.oauth import Application
from mkwmail.config.settings import Auth, Smtp
from tests.authorization_server import CLIENT, SCOPES, AuthorizationServer

NAME = "secretaris@example.org"


def smtp_of(provider: AuthorizationServer, **more: object) -> Smtp:
    """Settings for a mailbox whose login is the provider's."""
    settings = {
        "host": "127.0.0.1",
        "security": "none",
        "auth": Auth.OAUTH,
        "username": NAME,
        "client_id": CLIENT,
        "scopes": SCOPES,
        "authorize_url": f"{provider.url}/authorize",
        "device_url": f"{provider.url}/device",
        "token_url": f"{provider.url}/token",
    }
    return Smtp.model_validate({**settings, **more})


def application_of(provider: AuthorizationServer, secret: str = "") -> Application:
    return Application.of(smtp_of(provider), CLIENT, Secret(secret) if secret else None)
