"""The Contributions page."""
