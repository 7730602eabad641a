"""The page that asks for drawings."""
