"""What the commands of the local stack report on purpose: told in one line, exit status 1."""

INTERRUPTED = 130  # the exit status that a shell tells of a command that Ctrl-C ended


class LocalError(Exception):
    """Something a person can mend; the text says what is wrong and what to do about it."""
