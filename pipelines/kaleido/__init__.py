"""Pictures that people see and cameras record as garbage: each is a cycle of sub-frames whose light adds up to it."""
