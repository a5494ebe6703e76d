import re

from devstack.chart import REPOSITORY, access_of, render

RENDERED = """---
# Source: mlrollout/templates/serviceaccount.yaml
apiVersion: v1
kind: ServiceAccount
metadata:
  name: mlrollout
---
# Source: mlrollout/templates/deployment.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: mlrollout
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: mlrollout
subjects:
  - kind: ServiceAccount
    name: mlrollout
"""


def test_of_the_chart_only_the_account_and_its_permissions_are_kept() -> None:
    kept = access_of(RENDERED)

    assert "kind: ServiceAccount" in kept
    assert "kind: ClusterRoleBinding" in kept
    assert "Deployment" not in kept


def test_values_reach_the_chart() -> None:
    rendered = render(REPOSITORY / "charts" / "mlrollout", ["secretNamespaces={dispatch}"])

    assert re.search(r"kind: Role\n(.*\n)*?  namespace: dispatch", access_of(rendered))
