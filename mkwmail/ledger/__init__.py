"""The durable record (SQLite): persons, deliveries and responses."""
