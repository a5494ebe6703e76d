"""OFREP, the remote evaluation protocol of OpenFeature: a rollout is a flag."""
