"""What comes back: sign-ups, delivery reports."""
