"""The learner: learns from what becomes of dispatches, and registers a model that is better than the champion."""
