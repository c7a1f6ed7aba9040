//! Replay of incident 1: a site moved from a dev VM to EC2.
