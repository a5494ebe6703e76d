"""The A/B API: assignment, statistics, changes of the traffic, the survey and monitoring of a rollout."""
