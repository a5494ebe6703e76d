"""What `mlrollout doctor` makes of what was seen. Pure."""
