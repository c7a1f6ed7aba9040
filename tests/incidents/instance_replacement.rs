//! Replay of incident 4: a host's instance type at its end of life.
