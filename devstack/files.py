"""Files that others read while we write them."""

from pathlib import Path


def replace_text(file: Path, text: str) -> Path:
    """Put the text in place at once, readable by this user alone: it may hold a secret."""
    draft = file.with_name(f"{file.name}.draft")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    draft.write_text(text)
    return draft.replace(file)
