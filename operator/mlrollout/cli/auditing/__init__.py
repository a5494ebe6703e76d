"""What verdicts stand on: fetched, and the verdicts made again."""
