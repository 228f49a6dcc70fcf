"""The living subject: its anatomy, forward passes, history and compaction."""
