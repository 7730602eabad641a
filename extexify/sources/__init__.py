"""Sources of samples: dumps, PostgreSQL, SQLite, starter drawings."""
