"""What only the Render page needs."""
