"""What only the Symbols page needs."""
