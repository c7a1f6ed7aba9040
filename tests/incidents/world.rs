//! What the worlds are made of: a free port, a server that is up, a command that must succeed.
