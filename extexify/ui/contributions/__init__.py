"""What only the Contributions page needs."""
