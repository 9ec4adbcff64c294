"""The durable record (SQLite): who is who, what was done for each event, mailing and member, what came back."""
