"""The process: the queue, the looks, the reconciler, leadership, and Kopf around them."""
