"""The kinds of guardrails, one module each. Pure."""
