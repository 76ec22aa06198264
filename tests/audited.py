"""What an audit found of a client that leaks."""

AUDIT = {
    "registered": "mirrored, scale 1.000x1.000, offset 0.0,0.0, 0.12 s later",
    "lag_s": 0.12,
    "exposed_once": 0.2,
    "exposed_chance": 0.07,
    "exposed_beyond_chance": 0.139785,
    "exposed_budget": 0.015,
    "worst_frame": 0.083,
    "room_known": 0.74,
    "measured_frames": 740,
    "recovered": 0.05,
    "recovered_near": 0.06,
    "recovered_chance": 0.001,
    "recovered_beyond_chance": 0.049,
    "recovered_budget": 0.002,
    "claimed": 0.08,
    "attacked_frames": 120,
}
