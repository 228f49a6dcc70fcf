"""Degeneration: synapses, neurons, heads and layers that die."""
