"""What to ask the service next, and when; and how many files go into a task. Pure, with the time as an argument."""
