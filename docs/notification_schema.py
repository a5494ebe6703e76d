"""Writes docs/notification.schema.json: `python -m docs.notification_schema`, which `make generate` does."""

from pathlib import Path

from mlrollout.notify.cloud_event import schema

if __name__ == "__main__":
    (Path(__file__).parent / "notification.schema.json").write_text(schema())
