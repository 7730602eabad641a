"""Permissions in a public demo, password hashes and sign-in."""
