"""Which verbs the operator would act on now, and what would come of each. Pure.

`foretell` reads the object anew for each verb, which here would be paid for by everybody who watches: so it is asked
only for an object that somebody looks at, and once for each of its versions.
"""

from mlrollout.domain.foretell import offered
from mlrollout.ports import Object

from .models import VerbOffer


def offers(found: Object, now: float) -> tuple[VerbOffer, ...]:
    """Every verb that would be acted on now, in the order in which they are heard."""
    return tuple(VerbOffer(verb=one.verb, means=one.means) for one in offered(found, now))
