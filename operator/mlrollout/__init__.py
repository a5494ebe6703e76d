"""Roll an ML feature out to users by percentage, and take it back by itself."""
