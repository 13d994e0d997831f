"""What steps can name, and where it comes from."""
