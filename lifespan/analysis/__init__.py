"""From a record to tidy tables: what is compared, with which twin, and what came out."""
