"""Tools for recordings beside the stream: frames in and out, one pixel over time, scores."""
