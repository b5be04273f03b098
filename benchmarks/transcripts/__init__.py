"""Measure what it takes to read the transcript of a long recording, and who is held up by it."""
