"""One step of a plan."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """Something that a person or the weather does; `act` names a method of `Hands`."""

    at: float
    act: str
    target: str = ""
    value: object = None

    def __str__(self) -> str:
        told = "" if self.value is None else str(self.value)
        return f"{self.at:7.2f} {self.act} {self.target} {told[:100]}"
