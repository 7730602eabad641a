"""What only the Export page needs."""
