"""PDFs: certificates of attendance, and sheets for the day."""
