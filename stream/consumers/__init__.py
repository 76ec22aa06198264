"""Whether anybody watches a virtual camera: one way a file, the best that a machine has chosen in `choose`."""
