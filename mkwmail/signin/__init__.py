"""Who logs in to the mail server, and with what: passwords, and sign-ins without one."""
