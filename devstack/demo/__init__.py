"""`make demo`: a good model earns its users stage by stage, a bad one loses them.

`story` makes things happen, `observer` looks at the system from outside, `chronicle`
keeps what it saw, a teller shows it, and `promises` holds it against what was promised.
"""
