"""What only the Models page needs."""
