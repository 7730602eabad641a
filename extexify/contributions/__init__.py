"""Contributed drawings: their stores and the moderation list."""
