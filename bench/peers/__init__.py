"""
The client of Computer Vision beside its peers, on the same faults and the same loopback service.

`environments` installs each peer by itself, `server` answers and breaks, `clients` makes the peers callable, `child` is
one measurement in a process of its own, `rounds` interleaves them, `report` judges.
"""
