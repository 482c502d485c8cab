"""
The Computer Vision v3.2 client.

`questions` says what can be asked, `client` asks it, `transport` carries it, over `connections`, `faults` reads
refusals, `models` and `reading` read answers. Facts: the REST reference of v3.2
(learn.microsoft.com/rest/api/computervision) and its swagger.
"""
