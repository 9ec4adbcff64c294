"""Written Dutch: dates, times, names and salutations."""
