"""The training loop: order of data, optimizer, schedule, run folder, exact resume. Knows no task."""
