"""Who is told, each in a module of its own: see `telling.Sink`."""
