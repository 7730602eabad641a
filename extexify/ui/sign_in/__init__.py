"""What only the Sign in page needs."""
