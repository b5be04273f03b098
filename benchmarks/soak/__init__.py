"""Keep a session busy with a hostile service for a long time, over sockets, and see whether anything grows.

    python -m benchmarks.soak --minutes 20
    python -m benchmarks.soak --minutes 60 --files-per-second 40 --share 10 --journal

The emulated service runs in a process of its own, where one request in twenty meets one of the faults of
`benchmarks.faults.plan`. In this process batches start and end all the time on sessions that are opened and closed
every few minutes; some batches are left or cancelled in the middle, some tasks are submitted on one session and
attached on another, and what a closed session left unfinished is attached on the next. At most so many batches run at
once that a slow stretch does not pile work up.

Every ten seconds garbage is collected and free memory given back, and then sampled are the resident memory, the objects
the garbage collector knows, asyncio tasks, file descriptors, sockets among them, and threads. The first third is the
warm-up and left out; of the rest the medians of both halves are shown, and the slope of a straight line through it. The
exit status is 1 when the median of tasks, descriptors or sockets grows by more than a fifth and 10, or that of memory
by more than 5 %, or when a file was submitted twice. Needs `/proc`, so Linux.
"""
