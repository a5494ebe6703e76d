"""What users write and read: the `MLRollout` object, and the CRD generated from it."""

GROUP = "mlrollout.dev"
VERSION = "v1alpha1"
KIND = "MLRollout"
PLURAL = "mlrollouts"
SINGULAR = "mlrollout"
SHORT_NAME = "mlr"
