"""The durable record: who is who, and what was done for each person."""
