"""What the operator and an application both know of a Redis: its address, its kind, its key names, its failures.

Needs the client library alone, in neither of its two kinds: the operator speaks to Redis by asyncio,
an application's reader by a thread.
"""
