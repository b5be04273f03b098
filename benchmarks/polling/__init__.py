"""Measure how soon the end of a task is noticed, and how many requests that takes, beside the peers' policies.

    python -m benchmarks.polling
    python -m benchmarks.polling --only calm-20,calm-1000 --ours --seeds 2

The real `aiofunasr.Session` transcribes against the emulator's core in virtual time, without a socket. In the same
run, against the same service and for the same files, the peers' documented policies wait for the same tasks. They only
query; none of them lists.

What was chosen:

- A file's length is log-normal with a median of 600 s (sigma 1, 10 s to 4 h), its processing takes a log-normal share
  of that with a median of 0.02 (sigma 0.4), and its task queues for a log-normal time with a median of 8 s (calm) or
  90 s (busy) and a sigma of 1. Everything is drawn by the seed, for each file, so all policies see the same files.
- A request takes 0.02 s to the service, and its reply as long back.
- One file a task. Our session submits as fast as its own budget lets it; the peers' programs submit evenly at the
  documented 10 a second, and their submits are never refused.
- Nobody tells our session how long a file is, but where "lengths given" stands. "scheduled_time=running" is a service
  that tells when each task left its queue, which the documented one does not.
- Limits by the strict reading: queries, list pages and cancels of an account draw on one pool of 20 a second, counted
  exactly over a sliding second.
- Strangers are 10,000 tasks of other programs on the same account and with the same model, whose submits are spread
  evenly: "passing", from 3000 s before our start to 400 s after it, with files by the same laws, so that some hundred
  of them are live at any time; "queued", over the 3000 s before it, so that all are live and PENDING all the time.

What is shown: the delay of a task is the time from its end at the service to the arrival of the first reply to a query
that tells of it; mean, 95th percentile and largest over the tasks of all seeds. Requests are queries and list pages,
those refused with 429 included, per task; 429 % is the share refused. A task is lost when the wait for it ended with an
error, or never; its delay is not known, so the delays of a policy that loses tasks are those of the lucky ones. The
columns before the last say how many seeds a row stands for and how many seconds of real time one run took. Jain's index
is over the tasks that each of several sessions knows the end of, at the moment at which half of all are known.

Below our row stand the targets, the most that is allowed, and for each whether it was met. The exit status is 1 when
one was missed. Those of a thousand tasks without listing are missed by a little where lengths are given, and by more
where not; `python -m benchmarks.polling.bound` shows how near that is to what any plan can reach.
"""
