"""Noise and neuromodulation, in weights, activations and synapses."""
