"""What a spec shows of itself before it does harm: guardrails that can't do their work. Pure."""
