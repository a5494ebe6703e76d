"""Sending to receivers of notifications: an address may be anybody's, so nothing is taken for granted."""
