"""
Bursts on a real wire: real clients in processes of their own, a service on loopback with a real rate limit, unscaled.

`server` limits and fails, `child` is one process of a client, `runs` runs some of `bench.simulate`'s scenarios with
ours and with the peers, `report` puts them beside each other.
"""
