"""What the operator and an application both have to know of a Redis: where it is, what it is, what went wrong.

Needs the client library alone, in neither of its two kinds: the operator speaks to Redis by asyncio,
an application's reader by a thread.
"""
