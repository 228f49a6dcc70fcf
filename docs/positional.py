"""Signatures of the API tell what may be given without a name: griffe overlooks `field(kw_only=False)`."""

from griffe import Extension, ParameterKind, Parameters


class Positional(Extension):
    """Puts such fields first in the constructors that griffe wrote for dataclasses."""

    def on_package(self, *, pkg, **_):
        """Called when the package is read, after griffe's own extension for dataclasses."""
        modules = [pkg]
        for module in modules:
            modules += [found for found in module.modules.values() if not found.is_alias]
            for kind in module.classes.values():
                if not kind.is_alias and "dataclass" in kind.labels and "__init__" in kind.members:
                    _free(kind)


def _free(kind):
    held = [attribute for parent in [kind, *kind.mro()] for attribute in parent.attributes.values()]
    free = {attribute.name for attribute in held if "kw_only=False" in str(attribute.value)}
    constructor = kind.members["__init__"]
    for parameter in constructor.parameters:
        if parameter.name in free and parameter.kind is ParameterKind.keyword_only:
            parameter.kind = ParameterKind.positional_or_keyword
    later = [parameter.kind is ParameterKind.keyword_only for parameter in constructor.parameters]
    ordered = sorted(zip(later, constructor.parameters, strict=True), key=lambda pair: pair[0])
    constructor.parameters = Parameters(*(parameter for _, parameter in ordered))
