"""What people and programs read: values as terminal output or JSON."""
