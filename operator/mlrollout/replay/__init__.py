"""What a verdict stands on, for others to check: the blocks that were counted, and the verdict made of them again."""
