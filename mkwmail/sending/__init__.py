"""How mail goes out: the plan, the SMTP session, delivery, rehearsal."""
