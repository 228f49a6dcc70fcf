"""The inline engine: one worker in this process, which suits a debugger."""

from __future__ import annotations

from dataclasses import dataclass

from lifespan.execution.engine import Engine, Job
from lifespan.execution.observer import Observer
from lifespan.study.plan import Plan

__all__ = ["Inline", "Observer"]


@dataclass(frozen=True, kw_only=True)
class Inline(Engine):
    """Lives a plan step by step in the calling process."""

    def run(self, plan: Plan, job: Job) -> None:
        """Live the plan in this process."""
        from lifespan.execution.worker import Worker
        from lifespan.record.store import Store

        store = Store(job.store, warn=job.observer.warns)
        Worker(plan, store, job.device, job.every, job.fail_fast, job.observer, job.should_stop).run()
