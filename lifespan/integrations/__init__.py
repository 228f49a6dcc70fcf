"""Integrations with other libraries, each in a folder of its own; nothing in the core imports them at run time."""
