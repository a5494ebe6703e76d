"""Commands for whoever writes an `MLRollout`; none of them needs a cluster."""
