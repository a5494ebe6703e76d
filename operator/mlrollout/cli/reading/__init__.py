"""Commands for whoever wants to know how a rollout is doing; none of them changes anything."""
