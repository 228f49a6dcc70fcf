"""Doctests of modules that need an extra are collected where it is installed."""

from importlib.util import find_spec

OF_AVALANCHE = ["lifespan/integrations/avalanche/*", "lifespan/learners/_avalanche.py"]
collect_ignore_glob = [] if find_spec("avalanche") else OF_AVALANCHE
