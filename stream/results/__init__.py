"""What a session leaves behind for a person to look at: maps of the leak, its figures, and the report in words."""
