"""Treatments: the interface of a disorder, with a benign purpose."""
