"""What will be done, and in what order, as a value that nothing can change."""
