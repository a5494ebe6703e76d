"""The login of a Redis whose URL stands in a file, as Kubernetes mounts a Secret: renewed while the process runs."""

from contextlib import suppress
from pathlib import Path

from redis.credentials import CredentialProvider

from mlrollout.redis_common.address import Address, parse


class LoginOfFile(CredentialProvider):
    """Name and password as the file has them by then, for each new connection.

    Passwords are renewed more often than operators are restarted, and one that is known from the start alone is refused
    with the next connection, perhaps weeks later. Where the file can't be read or used, the last login goes on. Of the
    rest of the URL what it said at the start stays.

    Args:
        file: What holds the URL.
        address: What it said at the start.
        name: Who logs in whatever the file says; empty for whom it names.
    """

    def __init__(self, file: Path, address: Address, name: str = "") -> None:
        self._file = file
        self._address = address
        self._name = name

    def get_credentials(self) -> tuple[()] | tuple[str, str]:  # type: ignore[override]  # the library asks whether it is empty
        """Name and password; nothing where nobody logs in."""
        with suppress(OSError, ValueError):  # the error of an unusable URL is one of these
            self._address = parse(self._file.read_text(encoding="utf-8"))
        name, password = self._address.username, self._address.password
        return (self._name or name or "default", password) if name or password else ()

    def of_sentinels(self) -> "LoginOfFile":
        """The same for Sentinels: they seldom have users, but often the same password."""
        return LoginOfFile(self._file, self._address, "default")
