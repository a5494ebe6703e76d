"""What goes wrong with the world, and what the operator does about it.

    PortError                   a part of the world did not do what was asked
    ├── TrafficError            Redis           tries again, the way down without end
    │   ├── LoginRefusedError                   tries again sooner, with what the Secret holds by then
    │   └── KeyRefusedError                     tells (Stalled: KeyRefused): a person must change the key
    ├── SourceError             Prometheus      grows nothing for lack of evidence, and asks at the next look
    │   ├── QueryRefusedError                   tells (Stalled: InvalidQuery): a person must change the query
    │   └── AddressRefusedError                 tells (Stalled: ConnectionRefused): a person must name another
    ├── RevisionUnknownError    what names it   begins nothing new, and asks again; tells (RevisionUnknown)
    │   └── RevisionNotAllowedError             tells (RevisionUnknown): a person must name another address
    ├── ObjectsError            Kubernetes      tries again, later each time; without any cluster at its start it ends
    │   ├── ConflictError                       reads the object again and decides again
    │   │   └── ExistsError                     an Event is as good as posted; a Lease is read again
    │   ├── DeniedError                         tries again: a right may be given; the dashboard tells who asked
    │   ├── GoneError                           lists all objects again: only a whole list lets one be forgotten
    │   └── AbsentError                         makes an Event or a Lease anew
    └── ReceiverError           notifications   tries again, later each time; tells (NotificationFailing) once it lasts
        ├── MessageRefusedError                 tries again a few times, then goes on and says how much was dropped
        ├── ReceiverNotAllowedError             tells (NotificationFailing) at once: a person must change the address
        └── WordingError                        uses the words that are built in, and says so in the message

What it tries again is told, too: by the object's conditions, and in the log the first, second, fourth, eighth … time.
One error of this tree ends the process: an `ObjectsError` at the start, where there is no cluster to be found (exit
code 3). The HTTP server answers its caller instead: 409 for a `GoneError`, 403 for a `DeniedError`, 503 for
any other. The errors that are no port's are listed in docs/architecture.md.
"""


class PortError(Exception):
    """A part of the world did not do what was asked. The text is for people and holds no secret."""


class TrafficError(PortError):
    """Redis could not be asked, or its answer did not arrive: what stands there is unknown."""


class LoginRefusedError(TrafficError):
    """Redis refused the user name or the password: another may stand in the Secret by now."""


class KeyRefusedError(TrafficError):
    """This Redis can't serve this key (on a Cluster: a key without a hash tag); asking again is no help."""


class SourceError(PortError):
    """Prometheus could not be asked, refused the query, or its answer was unusable."""


class QueryRefusedError(SourceError):
    """Prometheus can't read the query; asking again is no help."""


class AddressRefusedError(SourceError):
    """The object names a Prometheus that it may not have, or there is none; asking again is no help."""


class RevisionUnknownError(PortError):
    """A source of revisions could not be asked, or names none that can be used."""


class RevisionNotAllowedError(RevisionUnknownError):
    """The object names a source that it may not have; asking again is no help."""


class ObjectsError(PortError):
    """The Kubernetes API could not be asked or refused; whether a write took place is unknown."""


class ConflictError(ObjectsError):
    """The object has changed since it was read: read it again and decide again."""


class ExistsError(ConflictError):
    """There is one of this name already."""


class DeniedError(ObjectsError):
    """A right is missing, or a policy of the cluster forbids it; nothing was written."""


class GoneError(ObjectsError):
    """The `MLRollout` no longer exists."""


class AbsentError(ObjectsError):
    """There is no such thing (that is not an `MLRollout`)."""


class ReceiverError(PortError):
    """A receiver could not be reached, or did not take what it was sent; the text goes on after its name.

    Attributes:
        retry_after: Seconds that it asks to be left alone; `None` where it says nothing.
    """

    def __init__(self, text: str, retry_after: float | None = None) -> None:
        super().__init__(text)
        self.retry_after = retry_after


class MessageRefusedError(ReceiverError):
    """A receiver refused this message; it may take the next."""


class ReceiverNotAllowedError(ReceiverError):
    """The object names a receiver that it may not have; asking again is no help."""


class WordingError(ReceiverError):
    """The administrator's template can't be used for this message."""
