"""`mlrollout template`: an object to begin with."""

import re

from mlrollout.cli.ending import CommandError, ExitCode
from mlrollout.domain.request import one_line

_PREFIX = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_LONGEST = 253
"""Characters of a revision, as the schema has it."""
_OBJECT = """\
# Lint it, and see what it would do at your traffic, before it is applied:
#   mlrollout lint rollout.yaml
#   mlrollout simulate -f rollout.yaml --traffic 1250/h --bad 1%
apiVersion: mlrollout.dev/v1alpha1
kind: MLRollout
metadata:
  name: "@NAME"
  namespace: "@SPACE"
spec:
  # What is rolled out. A new value is a new attempt, from the first stage.
  revision: "@REVISION"

  traffic:
    # Where the application reads the percentage: Rollout("@PREFIX:rollout_percentage", salt=...).
    key: @PREFIX:rollout_percentage
    # A Redis of the object's own, by a Secret of this namespace; left out, it is the operator's.
    # redis:
    #   secretRef: {name: @NAME-redis, key: url}

  # Every stage has to be healthy for its whole duration before the next is entered.
  stages:
    - name: pilot
      percentage: 10
      duration: 14d
    - name: expansion
      percentage: 30
      duration: 14d
    - name: full
      percentage: 100
      duration: 1d
      # A person says when: kubectl mlrollout approve @NAME -n @SPACE
      approval: Manual

  # What must stay healthy. The metrics are the SDK's (docs/feature.md); correct the selectors where yours differ.
  guardrails:
    # At most 5 % of the treatment's requests fail. Tested with every look, and right at any traffic.
    - name: error-rate
      rate:
        bad: @PREFIX_total{group="treatment",status="failure"}
        all: @PREFIX_total{group="treatment"}
        max: 0.05

    # No more than two failures in a hundred beyond those of the control, which the same hour brings the same weather.
    - name: errors-against-control
      compare:
        bad: @PREFIX_total{status="failure"}
        all: @PREFIX_total
        difference: 0.02
        # At 100 % there is no control to compare with.
        max: 0.05

    # 95 of 100 answers within 2 s, or nobody else gets it. The edge has to be one of the histogram's.
    - name: slow
      rate:
        histogram: @PREFIX_response_time_seconds_bucket{group="treatment"}
        above: "2"
        max: 0.05
      action: Hold

  # Who is told: addresses are in a Secret of this namespace (docs/notifications.md).
  # notifications:
  #   - name: team
  #     secretRef: {name: @NAME-notifications, key: url}
"""


def written(prefix: str, name: str, namespace: str, revision: str) -> str:
    """The object as YAML, with comments.

    Raises:
        CommandError: No metric can begin so, or no object or revision can be called so.
    """
    if not _PREFIX.fullmatch(prefix):
        raise CommandError(f"no metric begins with {one_line(prefix)!r}: write ml_dispatch", ExitCode.WRONG_USAGE)
    named = name or prefix.strip("_").lower().replace("_", "-")
    for one in (named, namespace):
        if not _NAME.fullmatch(one):
            raise CommandError(f"nothing can be called {one_line(one)!r}: a-z, 0-9 and - alone", ExitCode.WRONG_USAGE)
    shown = one_line(revision)
    if not shown or len(shown) > _LONGEST:
        raise CommandError(f"--revision: name what is rolled out, in 1 to {_LONGEST} characters", ExitCode.WRONG_USAGE)
    quoted = shown.replace("\\", "\\\\").replace('"', '\\"')
    filled = {"@PREFIX": prefix, "@NAME": named, "@SPACE": namespace, "@REVISION": quoted}
    return re.sub("|".join(filled), lambda found: filled[found[0]], _OBJECT)
