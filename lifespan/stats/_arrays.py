"""The type of an array, whatever its numbers are; functions say in words which ones they take."""

from typing import Any

import numpy.typing

NDArray = numpy.typing.NDArray[Any]
