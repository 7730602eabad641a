"""What only the Draw page needs."""
