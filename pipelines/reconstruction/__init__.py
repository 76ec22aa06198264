"""The room behind a virtual background, from what leaks past the person."""
