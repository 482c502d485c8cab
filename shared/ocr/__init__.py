"""
Reading text: the durable poll loop, its activities, what came of each, and writing what was read.

It knows no upload's other steps and no HTTP request.
"""
