"""Sizes as the person at the keyboard reads them."""

from mkwmail.language import _


def size(octets: int) -> str:
    """``120 kB``, ``3.4 MB``: decimal, as mail providers give their limits."""
    if octets < 1_000_000:
        return f"{max(1, round(octets / 1000))} kB"
    megabytes, tenth = divmod(round(octets / 100_000), 10)
    return _("%(megabytes)d.%(tenth)d MB") % {"megabytes": megabytes, "tenth": tenth}
