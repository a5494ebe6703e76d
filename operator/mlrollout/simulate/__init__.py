"""What a rollout would do, before it is applied: the operator's own decisions on synthetic traffic. Pure."""
