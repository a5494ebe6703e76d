"""`POST /faults`: only there with `--faults`."""

from fastapi import APIRouter

from dispatch.faults import AssignFault, MlFault

from .parts import PartsOf
from .schemas import Asked

router = APIRouter(include_in_schema=False)


class FaultsRequest(Asked):
    """What is to fail from now on; what is left out stays."""

    ml: MlFault | None = None
    assign: AssignFault | None = None


@router.post("/faults", status_code=204)
def switch(asked: FaultsRequest, parts: PartsOf) -> None:
    """Switch faults on and off."""
    parts.faults.ml = asked.ml or parts.faults.ml
    parts.faults.assign = asked.assign or parts.faults.assign
