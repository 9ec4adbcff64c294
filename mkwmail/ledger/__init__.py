"""The durable record (SQLite): who is who, what was done for whom, and what came back."""
