"""The command line as a plugin of krew: `make krew` builds an archive for each kind of machine, and the manifest."""
