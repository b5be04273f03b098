"""Fuzzing of what reads the service's replies, for as long as one likes: `python -m benchmarks.fuzz --minutes 60`.

It needs atheris (`pip install atheris`), which finds its way into the code by what each input reaches, and so goes
deeper than the random replies of the tests. What it finds is written to a file whose name it prints.
"""
