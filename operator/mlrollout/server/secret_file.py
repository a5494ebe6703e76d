"""A shared secret, from a file."""

from pathlib import Path

from mlrollout.startup.settings import SettingsError

_SHORTEST = 32  # bytes: what RFC 7518 asks for with HS256


def read(file: Path, setting: str) -> bytes:
    """The secret; `setting` names it in errors.

    Raises:
        SettingsError: It can't be read, or is none.
    """
    key = read_text(file, setting)
    if len(key) < _SHORTEST or key.startswith(b"-----BEGIN"):
        raise SettingsError(f"{setting} {file} is no secret for HS256: it takes {_SHORTEST} random bytes or more")
    return key


def read_text(file: Path, setting: str) -> bytes:
    """The file's content, without the line's end.

    Raises:
        SettingsError: It can't be read.
    """
    try:
        return file.read_bytes().strip()
    except OSError as error:
        raise SettingsError(
            f"{setting} {file} can't be read ({error.strerror}): correct the path, or mount it"
        ) from error
