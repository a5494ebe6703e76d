"""HTTP itself: connections and what a stranger may hold of them, bodies, problems, rates. Knows nothing of rollouts."""
