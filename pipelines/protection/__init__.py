"""A camera whose background gives nothing away: masks, a guard that knows the room, backgrounds, noise."""
