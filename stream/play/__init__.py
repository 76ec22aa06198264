"""Playing a film that people see and cameras do not: pictures by time, sound, keys, and where the sub-frames go."""
