"""What people and programs see of a plan, of a run and of findings."""
