"""What is done to a stream of frames; knows arrays and settings, never a device."""
