"""What can be learned."""

from lifespan.tasks.glue import Glue
from lifespan.tasks.items import Items
from lifespan.tasks.micro import MicroTask
from lifespan.tasks.table import TableTask

__all__ = ["Glue", "Items", "MicroTask", "TableTask"]
