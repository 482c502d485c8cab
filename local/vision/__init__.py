"""
A stand-in for Azure Computer Vision v3.2 that runs on this machine.

`server` starts it, `service` holds the order of the checks, `evidence` looks at the picture. COVERAGE.md says what is
real, what is composed and what is empty.
"""
