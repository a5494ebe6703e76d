"""Who calls, and what they may do: asked before every route."""
