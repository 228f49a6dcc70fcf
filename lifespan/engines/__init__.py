"""Ways to live many lives."""
