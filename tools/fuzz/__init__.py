"""Fuzzing: hostile and broken input for everything that reads what it didn't write. See `__main__`."""
