"""Who may do what: permissions, passwords, signing in."""
