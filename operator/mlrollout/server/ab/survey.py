"""The survey. Only dispatches that happened can be rated, and the application says which did.

A user's session alone could rate dispatches that never were. So a rating comes from the application by its own token,
or with a ticket that the application got for this user and this dispatch: a JWT that anybody with the key can sign.
"""

import time
from typing import Any

import jwt
from aiohttp import web

from mlrollout.adapters.redis import Rating, Taken
from mlrollout.assignment import Reason
from mlrollout.assignment.ids import trouble_with
from mlrollout.ports import TrafficError
from mlrollout.server import config, secret_file
from mlrollout.server.auth import audit
from mlrollout.server.auth.access import known_caller, permitted_rollout, require, user_asked_for
from mlrollout.server.auth.callers import Caller, Role
from mlrollout.server.backends import BACKENDS, counts_unavailable
from mlrollout.server.http.body import read_model
from mlrollout.server.http.problem import HttpProblem
from mlrollout.server.metrics import METRICS
from mlrollout.server.rollout_lookup import rollout_from_path
from mlrollout.server.rollouts import ServedRollout

from .models import RatingTicketAnswer, RatingTicketRequest, SatisfactionAnswer, SatisfactionRequest

AUDIENCE = "mlrollout-rating"
"""What `aud` says in a ticket, so that no other token that was signed with the same key is one."""

_LEEWAY = 10  # seconds by which the clocks of whoever signs and of this machine may differ

_NOT_COUNTED = {
    Taken.ENOUGH: "another rating of this user counts for now",
    Taken.FULL: "as many users as count have rated already",
}


class Survey:
    """Makes and checks the tickets that let a user rate a dispatch.

    Raises:
        SettingsError: The key can't be read, or is none.
    """

    def __init__(self, settings: config.SurveySettings) -> None:
        self.every = settings.every
        self._valid = settings.valid
        self._key = secret_file.read(settings.key, "survey.key") if settings.key else b""

    def ticket(self, served: ServedRollout, user_id: str, dispatch_id: str, now: int) -> tuple[str, int]:
        """A ticket, and when it ends in seconds since the epoch.

        Raises:
            HttpProblem: The configuration names no key.
        """
        if not self._key:
            raise HttpProblem(501, "The server signs no tickets: name a key as `survey.key` in its configuration.")
        ends = now + int(self._valid)
        claims = {"aud": AUDIENCE, "rollout": served.entry.name, "sub": user_id, "dispatch": dispatch_id, "exp": ends}
        return jwt.encode(claims, self._key, "HS256"), ends

    def check(self, ticket: str | None, served: ServedRollout, user_id: str, dispatch_id: str) -> None:
        """Refuse a rating, unless a ticket of the application says that this dispatch happened to this user.

        Raises:
            HttpProblem: No ticket says so.
        """
        if not self._key or ticket is None:
            raise HttpProblem(
                403,
                "A rating takes a `ticket` of the application, for this user and this dispatch (docs/server.md); "
                "or the application passes it on with its own token.",
            )
        claims = self._read(ticket)
        if (claims["rollout"], claims["sub"], claims["dispatch"]) != (served.entry.name, user_id, dispatch_id):
            raise HttpProblem(
                403, "The ticket is for another rollout, user or dispatch. Ask the application for this one's."
            )

    def _read(self, ticket: str) -> dict[str, Any]:
        try:
            return jwt.decode(
                ticket,
                self._key,
                algorithms=["HS256"],
                audience=AUDIENCE,
                leeway=_LEEWAY,
                options={"require": ["exp", "sub", "rollout", "dispatch"]},
            )
        except jwt.ExpiredSignatureError:
            raise HttpProblem(403, "The ticket has ended: this dispatch can't be rated any more.") from None
        except (jwt.InvalidTokenError, ValueError):
            raise HttpProblem(403, "The ticket is none of this application's. Send the one that it gave.") from None


SURVEY = web.AppKey("survey", Survey)


async def rating_ticket(request: web.Request) -> RatingTicketAnswer:
    """Let a user rate a dispatch that happened, by a ticket for their browser."""
    served = await permitted_rollout(request, Role.RATE)
    asked = await read_model(request, RatingTicketRequest)
    ticket, ends = request.app[SURVEY].ticket(served, asked.user_id, asked.dispatch_id, int(time.time()))
    return RatingTicketAnswer(ticket=ticket, expires_at=ends)


async def satisfaction(request: web.Request) -> SatisfactionAnswer:
    """Count a user's rating of a dispatch, at most one in a day.

    Only what the application says happened can be rated: it passes the rating on, or has given the user a ticket.
    """
    caller = known_caller(request)
    served = rollout_from_path(request)
    if caller.user is None:
        await require(request, Role.RATE, served)
    asked = await read_model(request, SatisfactionRequest)
    user_id = await _who(request, caller, served, asked)
    found = served.look(user_id)
    if found.reason is Reason.NO_USER:
        raise HttpProblem(403, f"This user's id is nobody's: {trouble_with(user_id)}.")
    attempt = found.state.record.attempt if found.state.record else 0
    given = Rating(user_id, asked.dispatch_id, asked.rating)
    survey = request.app[BACKENDS].survey
    try:
        outcome = await survey.rate(
            served.rollout.key, attempt, found.group, given, now=time.time(), every=request.app[SURVEY].every
        )
    except TrafficError as error:
        raise counts_unavailable(request, error) from None
    audit.act(request, "Rated", rollout=served.entry.name, group=found.group, outcome=outcome.name.lower())
    if outcome is Taken.AGAIN:
        raise HttpProblem(409, "This user has rated this dispatch already; the first rating counts.")
    if outcome is Taken.COUNTED:
        request.app[METRICS].satisfaction(served.entry.prefix).labels(found.group).observe(asked.rating)
    return SatisfactionAnswer(
        group=found.group, counted=outcome is Taken.COUNTED, because=_NOT_COUNTED.get(outcome, "")
    )


async def _who(request: web.Request, caller: Caller, served: ServedRollout, asked: SatisfactionRequest) -> str:
    """The user who rates something that happened.

    Raises:
        HttpProblem: No user is named, no ticket says that it happened, or the caller may not speak for the user.
    """
    user_id = await user_asked_for(caller, served, asked.user_id, Role.RATE)
    if not user_id:
        raise HttpProblem(403, f"{caller.name} is no user: say who rates as `user_id`, or use the user's own session.")
    if caller.user is not None:
        request.app[SURVEY].check(asked.ticket, served, user_id, asked.dispatch_id)
    return user_id
