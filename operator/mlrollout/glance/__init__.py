"""How a rollout is doing, for people: read from an object as it is, and told in few words. Pure.

The command line and the dashboard show what is decided here. It reads the object by its fields rather than as a `Spec`
and a `Status`: what one version can't understand as a whole, a person on call still has to see, and those models take
longer to load than a person waits for an answer.
"""
