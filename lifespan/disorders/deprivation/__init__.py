"""Sensory deprivation: what is read is blurred, swapped, mirrored or lost."""
