//! Each rule of the format on a runbook of a few lines, and what is said where one is broken.
