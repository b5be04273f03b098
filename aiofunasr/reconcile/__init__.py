"""What became of a submit that had no reply.

A submit has no idempotency key, so one whose reply was lost may have made a task or not, and to send it again might
bill its files twice. What the service does have is a list of the account's tasks. A row of it tells when the task was
made and for which model, but not its files; those a query tells, once the task has ended. So a lost submit is a search:
among the tasks that were made while it was under way and that nobody here owns, for the one with its files. It ends
when that task is found, or when the list has shown everything it could be and none of that is it.

Everything here is pure: times are arguments. `clock` knows by how much the service's clock differs from ours,
`coverage` whether the list has shown enough to believe that a task is not there, and `matching` decides.
"""
