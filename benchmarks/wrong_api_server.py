"""How long from a breach to 0 in Redis while the API server answers wrongly, by what it answers.

Two operators reach the API server through a proxy, which begins to answer like this and cuts what stands; some
seconds later, when watch and Lease are lost, objects are broken one at a time. Measured as in `breach_to_zero`.

    python -m benchmarks.wrong_api_server [--breaches 20]
"""

import argparse
import random
import statistics
import time
from collections.abc import Mapping

from benchmarks.breach_to_zero import Values, Visible, Zeros, breaking, prepared, until
from benchmarks.rollouts import NAMESPACE, apply
from devstack import chart
from devstack.stack import Stack
from tests.support.api_proxy import (
    Answer,
    ApiProxy,
    api_proxy,
    hangs_up,
    is_silent,
    knows_no_object,
    refuses,
    says_nothing_of_use,
    shows_a_page,
)
from tests.support.target import target

LOST_AFTER = 10.0
"""Seconds after which watch and Lease are lost for sure."""
ANSWERS: Mapping[str, Answer] = {
    **{str(code): refuses(code) for code in (401, 403, 404, 410, 429, 500, 503)},
    "404 by name": knows_no_object,
    "a page": shows_a_page,
    "{}": says_nothing_of_use,
    "reset": hangs_up,
    "silence": is_silent,
}


def broken(stack: Stack, proxy: ApiProxy, answer: Answer | None, at: tuple[Values, Zeros, Visible]) -> list[float]:
    """Seconds from visible to zero, one for each object; afterwards they are all at 100 % again."""
    values, zeros, visible = at
    until(lambda: all(zeros.percentage.get(n) == 100 for n in range(values.count)), 300)
    zeros.at.clear()
    if answer is not None:
        proxy.be_wrong(answer)
        time.sleep(LOST_AFTER)
    for number in range(values.count):
        time.sleep(random.uniform(0.05, 0.4))
        values.set(number, bad=True)
    until(lambda: len(zeros.at.keys() & visible.since.keys()) == values.count, 60)
    found = [zeros.at[n] - visible.since[n] for n in range(values.count)]
    proxy.be_well()
    for number in range(values.count):
        values.set(number, bad=False)
    until(lambda: not visible.since, 30)
    stack.cluster.kubectl("-n", NAMESPACE, "wait", "mlr", "--all", "--for=condition=Stalled", "--timeout=120s")
    stack.cluster.kubectl("-n", NAMESPACE, "annotate", "mlr", "--all", f"mlrollout.dev/retry=after {time.time()}")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--breaches", type=int, default=20, help="for each answer")
    count = parser.parse_args().breaches
    print(f"{'answer':>12} {'breaches':>9} {'mean':>8} {'p50':>8} {'max':>8}   (ms)")
    with Stack() as stack, target("") as exported, api_proxy(stack.cluster) as proxy:
        prometheus, values = prepared(stack, exported, count)
        kubeconfig = proxy.kubeconfig(stack.cluster, chart.NAMESPACE, chart.SERVICE_ACCOUNT)
        for name in ("one", "two"):
            stack.start_operator(name, env={"KUBECONFIG": kubeconfig})
        zeros, visible = Zeros(stack.redis_url), Visible(prometheus)
        apply(stack, (breaking(number, hung=False) for number in range(count)))
        try:
            for name, answer in {"well": None, **ANSWERS}.items():
                found = sorted(1000 * seconds for seconds in broken(stack, proxy, answer, (values, zeros, visible)))
                figures = " ".join(
                    f"{one:>8.0f}" for one in (statistics.mean(found), statistics.median(found), found[-1])
                )
                print(f"{name:>12} {len(found):>9} {figures}", flush=True)
        finally:
            visible.close()
            zeros.close()


if __name__ == "__main__":
    main()
