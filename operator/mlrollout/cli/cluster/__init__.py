"""The cluster as a person reaches it: by the kubeconfig alone, without the client library.

That library, asyncio and aiohttp take half a second to load, of which nobody on call has any to spare.
"""
