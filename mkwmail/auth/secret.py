"""Secrets, which must reach the server and no one else."""


class Secret:
    """A password or a token; printing or logging the object hides it."""

    __slots__ = ("_secret",)

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def reveal(self) -> str:
        """Return the secret itself, only for the server or the store."""
        return self._secret

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._secret == other._secret

    def __hash__(self) -> int:
        return hash(self._secret)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(***)"
