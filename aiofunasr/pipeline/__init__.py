"""A file's journey: submitted in a task, asked about, its transcript collected and handed out."""
