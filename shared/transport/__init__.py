"""
How a service is reached: connections, the time budget of a call, credentials, and the shape of its answers.

It knows no operation of any service: each service's package has the questions and the meaning of the answers.
"""
