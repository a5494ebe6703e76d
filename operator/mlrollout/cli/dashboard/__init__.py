"""The live dashboard on a person's own machine, by their kubeconfig."""
