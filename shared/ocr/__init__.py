"""
Reading text: the durable poll loop, its activities, the outcomes of these, and the text's records.

It knows no upload's other steps and no HTTP request.
"""
