"""Figures, measured beside something to hold them against; nothing here is a test."""
