//! Replay of incident 2: an operating system upgrade by the datacenter.
