"""Prometheus."""

from typing import Protocol

from mlrollout.evidence.answer import Answer


class EvidenceSource(Protocol):
    """A Prometheus."""

    async def query(self, promql: str, *, deadline: float, at: float | None = None) -> Answer:
        """The answer to an instant query, evaluated now; or to a range selector, evaluated at a moment.

        Args:
            promql: The query.
            deadline: Seconds for everything: connecting, waiting, reading.
            at: For a range selector, whose samples are the answer: where its range ends, seconds since the epoch.

        Raises:
            QueryRefusedError: The query can't be parsed.
            SourceError: There is no usable answer; the text says why, shortened, without the response's body.
        """
        ...

    async def close(self) -> None:
        """Give up the connections."""
        ...
