"""What must be right before mail may leave this computer: a server, real addresses, real links."""

from collections.abc import Iterable

from mkwmail.addresses import is_example
from mkwmail.clock import VARIABLE
from mkwmail.commands.workplace import Sources
from mkwmail.errors import ExitCode, Fault, UserError
from mkwmail.language import _
from mkwmail.sources.links import example_links
from mkwmail.sources.member import Member
from mkwmail.sources.settings import Settings, Smtp
from mkwmail.sources.settings_file import example_senders


def server_of(settings: Settings, shifted: bool) -> Smtp:
    """The server that takes the mail.

    :raises UserError: code SETTINGS where none is named, or where the clock was shifted and it is not on
        this computer: a mail with a wrong date must not reach anybody.
    """
    smtp = settings.smtp
    if smtp is None:
        remedy = _("write under smtp: the host of your mail server, or a provider: (see README)")
        raise UserError(Fault("mkwmail.yaml", _("no mail server is named"), remedy), code=ExitCode.SETTINGS)
    if shifted and not smtp.on_loopback:
        fault = _("with %(variable)s set, mail goes to a server on this computer only, not to %(host)s")
        words = {"variable": VARIABLE, "host": smtp.host}
        remedy = _("unset %(variable)s, or rehearse: --rehearse") % words
        raise UserError(Fault("", fault % words, remedy), code=ExitCode.SETTINGS)
    return smtp


def really_handed_to(settings: Settings | None, shifted: bool) -> str:
    """Return the server that takes real mail while the clock is shifted, as ``host:port``; else an empty text.

    A server on this computer may be one that passes mail on.
    """
    smtp = settings.smtp if settings else None
    return f"{smtp.host}:{smtp.port}" if shifted and smtp is not None and smtp.on_loopback else ""


def refuse_examples(sources: Sources, smtp: Smtp, recipients: Iterable[Member]) -> None:
    """See that no example is taken for the real thing, unless the server is this computer.

    :raises UserError: with every sender, recipient and link at a domain that is set aside for examples.
    """
    if smtp.on_loopback:
        return
    faults = [*example_senders(sources.settings), *example_links(sources.event)]
    if is_example(smtp.host):
        faults.append(Fault("mkwmail.yaml", _("smtp: %(host)s is an example") % {"host": smtp.host}))
    example = [member for member in recipients if is_example(member.email.rpartition("@")[2])]
    shown = sources.folder.shown(sources.folder.path / sources.settings.members)
    for member in example:
        fault = _("%(address)s is an address for examples, and reaches nobody") % {"address": member.email}
        faults.append(Fault(f"{shown}:{member.row}", fault, ""))
    if example:
        remedy = _("put your own member list in the place of the example, or rehearse: --rehearse")
        faults[-1] = Fault(faults[-1].place, faults[-1].fault, remedy)
    if faults:
        raise UserError(*faults, code=ExitCode.SETTINGS)
