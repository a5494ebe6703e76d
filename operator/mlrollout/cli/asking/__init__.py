"""Commands that ask the operator for something. None changes the traffic by itself: each sets an annotation."""
