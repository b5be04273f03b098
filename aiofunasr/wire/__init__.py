"""The protocol as pure functions: requests out, replies in.

Nothing here opens a connection, awaits, or reads a clock, so every rule of the wire can be read and tested by itself.
"""
