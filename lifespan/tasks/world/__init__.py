"""The built-in world: a micro-language, its corpus and its tasks."""
