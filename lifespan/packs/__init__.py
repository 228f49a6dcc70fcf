"""A life to take home: one shared base, and for every skill its head and an entropy-coded mask."""
