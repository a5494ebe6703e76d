"""Tests that stay valid however often one looks, and the counts that they stand on. Pure: no clock, no I/O, no await.

Each test reads the attempt block by block. Its evidence is an *e-value*: what a stake of 1 would have become by
betting, fairly, that the model is worse than allowed. Where it is not worse, that stake does not grow in the mean, so
the chance that it is ever multiplied by 100 is at most 1 in 100 (Ville's inequality): that is the chance of a false
alarm over the whole attempt, however long it is and however often it is looked at.
"""
