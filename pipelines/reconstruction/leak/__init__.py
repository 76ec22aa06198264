"""The method `leak`: the room from what a real client's mask lets through, the backdrop unknown."""
