"""What a user writes: events, scenarios, studies, schedules and task streams; and the plan they compile to. No torch."""
