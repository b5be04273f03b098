"""Put a session on a hostile service, and look up in the service's own books what came of every file.

    python -m benchmarks.faults
    python -m benchmarks.faults --files 500 --seeds 2 --shares 20,50 --policy reconcile

The real `aiofunasr.Session` works against the emulator's core in virtual time, without a socket, and each request of
every kind has the given chance of going wrong, in one of the ways of `hostile_plan`: not connected, dropped before it
was read or after it was handled, never answered, reset in the middle of the body, 500 to 504 with and without the work
done, 429 in bursts, a web page with status 200, a document cut short, no text, nested too deep or far too long, a wrong
content type or none, a reply to another task, results reordered or repeated, links that have expired, and UNKNOWN for
the first seconds.

What was chosen:

- Nine tenths of the files go through `transcribe`: 42 % packed into tasks as the session sees fit, 34 % one a task, 9 %
  in a second session on the same account, 5 % in a third that is closed after 8 s. What that one calls unfinished is
  attached on the first; what it had not sent by then is nobody's. 1 % is uploaded. The rest are tasks of some files
  from `submit`, in which some URLs stand twice; two of five are attached by their token in the second session, one is
  cancelled. One file in thirty is one that the service cannot transcribe, or has no speech in it.
- The list is 5 s late, the service's clock is up to two minutes ahead or behind, results come in any order, and an
  expired link can be had anew by another query. Two hundred tasks of the same model are somebody else's.
- The documented limits, 10 submits and 20 of each other kind a second. A request takes 0.02 s, its reply as long.
- The peers submit the same files, one a task and 10 a second evenly, with the retries of their own (protocol notes,
  section 12): dashscope 1.x sends a submit whose connection dropped up to 8 times and one that timed out 4 times,
  2.0.2 sends any that failed or was answered with 408, 409, 429 or 5xx up to 3 times. They have no submit limit to
  keep, and nobody submits a file again that they gave up.

What is shown, summed over the seeds: files accepted more than once (each once more than once); accepted tasks
forgotten, which are those that neither a result, nor an error's token or candidates, nor the closed session's
`unfinished` and `unanswered` tell of; results that are wrong (the text is compared with what the service recognized in
that file), doubled or missing. All of these must be 0, or the exit status is 1. A submit that ended in an
`AmbiguousSubmissionError` without a candidate is told of by its files alone: that counts as told only with `--policy
raise` or `resend`. Then, for information, the files that ended in an error, by class, the virtual time in seconds
and the requests for each file, as means.
"""
