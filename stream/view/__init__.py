"""The live view: a page on the loopback interface, or a plain window."""
