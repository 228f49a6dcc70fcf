"""Tasks to learn, and data to evaluate a learned skill on."""

from lifespan.tasks.challenges import AdvGlue, Hans, Paws
from lifespan.tasks.glue import Glue
from lifespan.tasks.items import Items
from lifespan.tasks.micro import MicroTask
from lifespan.tasks.table import TableTask
from lifespan.tasks.tags import TagHead
from lifespan.tasks.token_task import TokenTask

__all__ = ["AdvGlue", "Glue", "Hans", "Items", "MicroTask", "Paws", "TableTask", "TagHead", "TokenTask"]
