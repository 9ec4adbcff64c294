"""Dutch as it is written: dates, times, names, salutations."""
