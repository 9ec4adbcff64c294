"""Results for people and programs: terminal output, pages, CSV and JSON."""
