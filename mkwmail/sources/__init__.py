"""What people write: the working folder, settings, event files, member lists."""
