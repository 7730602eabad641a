"""Errors, validation, settings, names, progress, interruption and processes: what every other package builds on."""
