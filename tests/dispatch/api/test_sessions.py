"""What cookies are signed with."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from dispatch.sessions import SecretError, secret_of

MANY = 16


def test_processes_that_start_at_once_have_one_secret_which_nobody_else_reads(tmp_path: Path) -> None:
    together = Barrier(MANY)

    def begin(_: int) -> str:
        together.wait()
        return secret_of(tmp_path / "cookies.key")

    with ThreadPoolExecutor(MANY) as processes:
        secrets = set(processes.map(begin, range(MANY)))

    assert [len(secret) for secret in secrets] == [64]
    (file,) = tmp_path.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("held", ["", "\n", "ab" * 15])
def test_a_file_without_a_secret_signs_nothing(tmp_path: Path, held: str) -> None:
    file = tmp_path / "cookies.key"
    file.write_text(held)

    with pytest.raises(SecretError, match="remove it"):
        secret_of(file)
