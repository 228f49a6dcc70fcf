"""Lifespan simulates the life of a neural network: development, school, ageing, recovery, disorders, and probes all along."""

import lazy_loader

from lifespan import _deprecated

# What `__init__.pyi` lists is imported when it is first used, so that `lifespan --help` need not wait for it.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__version__ = "0.2.0"

_deprecated.install()
