"""The Symbols page."""
