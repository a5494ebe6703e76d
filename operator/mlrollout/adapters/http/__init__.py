"""HTTP to addresses that may be anybody's: what is sent, what is shown, what is read of the answer."""
