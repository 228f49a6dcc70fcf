"""Packs: one shared base and, for every skill, its head and an entropy-coded mask, as files that can be sent."""
