//! What the kernel knows about processes: boot, start times, groups, descriptors that pin one. SHELL.
