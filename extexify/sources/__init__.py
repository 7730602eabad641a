"""Where samples come from: dumps, PostgreSQL, SQLite, starter drawings."""
