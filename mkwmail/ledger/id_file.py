"""The id file: the name of the ledger that belongs in the folder."""

from pathlib import Path

from mkwmail.errors import ExitCode, Fault, UserError
from mkwmail.files import write_private
from mkwmail.i18n import _
from mkwmail.ledger.database import cannot_write


def read(id_path: Path) -> str | None:
    """Return the ledger's id from its id file; None if the file is empty."""
    try:
        return id_path.read_text(encoding="ascii", errors="replace").strip() or None
    except FileNotFoundError:
        return None
    except OSError as error:
        raise cannot_write(id_path, error) from error


def write(id_path: Path, name: str) -> None:
    """Write the ledger's id, readable by its owner only."""
    try:
        write_private(id_path, f"{name}\n".encode("ascii"))
    except OSError as error:
        raise cannot_write(id_path, error) from error


def lost(path: Path, id_path: Path) -> UserError:
    """Return the error for an id file whose ledger is gone."""
    words = {"ledger": path.name, "id": id_path.name}
    fault = _("%(id)s says that there was a ledger here, but %(ledger)s is gone or empty") % words
    remedy = _(
        "put %(ledger)s back, from a backup or the recycle bin: without it everybody would be mailed again; "
        "only if nobody was ever mailed from this folder, delete %(id)s"
    )
    return UserError(Fault(str(path), fault, remedy % words), code=ExitCode.SETTINGS)


def another(path: Path, id_path: Path) -> UserError:
    """Return the error for an id file that names another ledger."""
    words = {"ledger": path.name, "id": id_path.name}
    fault = _("%(ledger)s is not the ledger that %(id)s names: it is another folder's, or a new one") % words
    remedy = _("put the ledger of this folder back; only if this is the right one, delete %(id)s") % words
    return UserError(Fault(str(path), fault, remedy), code=ExitCode.SETTINGS)
