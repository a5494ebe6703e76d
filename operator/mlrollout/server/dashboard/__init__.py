"""The live dashboard: every rollout at a glance, one in full, and the verbs that a person may ask for."""
