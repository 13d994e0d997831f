"""Actions that ship with DriftFlow and are off until they are asked for, a module at a time."""
