"""Measure what the library itself costs: processor time, memory, and how long it holds the loop."""
