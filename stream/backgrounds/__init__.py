"""Backgrounds of a protected camera that come from files, and their change while it runs."""
