"""A port that strangers reach: what any of them may hold of it. Knows nothing of what is answered there."""
