"""What stands between numbers and people, whatever the numbers are.

`files` writes whole files or none; `plotting` is the one style of all figures; `terminal` prints
tables and sentences; `notebook` is how a result looks in a notebook; `interruption` leaves by one
path when a signal comes.
"""
