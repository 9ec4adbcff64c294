"""Signing in with a code on another device (RFC 8628): the telephone, or the computer from which one came by SSH."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from mkwmail.signin.application import Application, Issued
from mkwmail.signin.faults import Refusal, RefusedError, SignInError, Step, sign_in_fault
from mkwmail.signin.protocol import DeviceCode, ask_device, redeem_device

_SLOWER = 5.0  # seconds more between two questions, where the provider says slow_down (RFC 8628 §3.5)


@dataclass(frozen=True, slots=True)
class Patience:
    """How time goes by while somebody approves. ``wait``: sleeps so many seconds."""

    wait: Callable[[float], object] = time.sleep
    now: Callable[[], float] = time.monotonic


def sign_in_by_device(
    application: Application, show: Callable[[DeviceCode], object], patience: Patience | None = None
) -> Issued:
    """Show a code, and wait until somebody has typed it elsewhere and approved.

    :raises SignInError: where nobody does in time, or the provider refuses.
    """
    given = patience or Patience()
    try:
        code = ask_device(application)
    except RefusedError as error:
        refusal = error.refusal
    else:
        show(code)
        answer = _approved(application, code, given)
        if isinstance(answer, Issued):
            return answer
        refusal = answer
    raise sign_in_fault(urlsplit(application.token_url).netloc, application.username, refusal, Step.DEVICE)


def _approved(application: Application, code: DeviceCode, patience: Patience) -> Issued | Refusal:
    interval, ends = code.interval, patience.now() + code.lifetime
    while patience.now() < ends:
        patience.wait(interval)
        try:
            return redeem_device(application, code)
        except RefusedError as error:
            if error.refusal.error == "slow_down":
                interval += _SLOWER
            elif error.refusal.error not in ("authorization_pending", "temporarily_unavailable"):
                return error.refusal
        except SignInError as error:
            # The network may come back before the code has expired (RFC 8628 §3.5).
            if error.lasting:
                raise
            interval += _SLOWER
    return Refusal("expired_token")
