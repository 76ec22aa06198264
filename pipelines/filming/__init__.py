"""The other side of the lens: what a camera records of a display that shows sub-frames, and how good a copy that is."""
