"""What is mailed: templates, letters, messages, the calendar part."""
