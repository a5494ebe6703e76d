"""The HTTP server: for applications in any language, for browsers and for people. See docs/server.md."""
