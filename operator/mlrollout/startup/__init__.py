"""What every process of ours needs at its start: logs and settings."""
